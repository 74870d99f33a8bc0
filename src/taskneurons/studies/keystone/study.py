"""What the study of keystone neurons says of itself."""

from taskneurons.evidence.study import Study

STUDY = Study(
    name="keystone",
    title="What every task needs, and what is special to one",
    question="which neurons every task needs, and what a task loses without those that are its own",
    asks="A few neurons may be needed by whatever a model writes. Where they are among a task's highest-scored "
    "neurons, switching these off breaks the model, and says nothing about the task. Here neurons in the top of every "
    "task and of neutral text, the keystone neurons, are told apart from a task's own. Sets of growing shares are "
    "switched off, and the loss on neutral text says whether the model is still healthy.",
    page="keystone.md",
    figures=(
        (
            "effects",
            "What a task loses without its own neurons, another task's, random and keystone neurons, over shares; how "
            "far each selection is special to its task; and the rise of the loss on neutral text.",
        ),
        ("layers", "The layers in which keystone neurons lie, and the other neurons of the tasks' tops."),
    ),
    tables=(
        ("keystone_summary", "Effects over tasks, own less other, and the health of the model"),
        ("keystone_overlap", "What the tops of two tasks share, with and without keystone neurons"),
        ("keystone_activation", "Whether keystone neurons have the largest activations"),
        ("keystone_members", "The keystone neurons that stand highest"),
        ("keystone_layers", "Keystone neurons by layer"),
        ("keystone", "Every measured value"),
    ),
    words=(
        ("condition", "keystone", "neurons in the top of every task and of neutral text"),
        ("condition", "top", "the highest scores"),
        ("condition", "top_less_keystone", "the highest scores, without keystone neurons"),
        ("condition", "top_less_others", "the highest scores, without the other tasks' highest"),
        ("condition", "contrast", "the highest contrast with other tasks"),
        ("condition", "signed", "the highest signed scores"),
        ("sets", "top", "the highest scores"),
        ("sets", "top_less_keystone", "the highest scores, without keystone neurons"),
        ("pairs", "sibling", "of one family"),
        ("pairs", "same_kind", "of another family, same kind"),
        ("pairs", "other_kind", "of another kind"),
    ),
)
