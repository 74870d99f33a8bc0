"""What the study of the paper's open choices says of itself."""

from taskneurons.evidence.study import LENG, Study

STUDY = Study(
    name="multiverse",
    title="Readings of the paper",
    question="which reading of the paper's open choices gives the paper's numbers",
    asks="The paper leaves open how scores are summed, over which tokens the loss is taken, over what neurons are "
    "ranked, what a deactivated neuron becomes and what random neurons are. Here the choices are crossed with each "
    "other, and with shares and ways to make a set special to its task. What a task loses without its own neurons, "
    "less without the control, is shown for each specification, with the health of the model on neutral text.",
    paper=f"{LENG}, Tables 1 and 6",
    page="multiverse.md",
    figures=(
        (
            "curve_score",
            "What tasks lose without their own neurons, less without the control, in points, for every specification; "
            "the choices of each stand below.",
        ),
        ("curve_loss", "The same for the loss, in nats a token."),
    ),
    tables=(
        ("multiverse", "Every specification"),
        ("multiverse_curves", "What all specifications say together"),
        ("multiverse_choices", "How much of the variance among specifications each choice explains"),
        ("multiverse_levels", "What specifications with one choice find on average"),
    ),
    words=(
        ("score", "taylor", "Eq. 3, sum of each example"),
        ("score", "taylor_token", "Eq. 3, each token"),
        ("score", "taylor_global", "Eq. 3, sum over examples"),
        ("score", "signed", "Eq. 3 with its sign"),
        ("score", "activation", "mean absolute activation"),
        ("loss", "answer", "loss of the answer"),
        ("loss", "all_tokens", "loss of prompt and answer"),
        ("specificity", "top", "the highest scores"),
        ("specificity", "top_less_keystone", "the highest scores, without keystone neurons"),
        ("specificity", "top_less_others", "the highest scores, without the other tasks' highest"),
        ("specificity", "contrast", "the highest contrast with other tasks"),
        ("control", "layer", "random, same layers"),
        ("control", "uniform", "random, any layer"),
        ("control", "magnitude", "random, like activations"),
        ("control", "other_task", "another task's set"),
        ("control", "random", "random neurons"),
    ),
)
