"""What the study of growing shares of neurons says of itself."""

from taskneurons.evidence.study import LENG, Study

STUDY = Study(
    name="proportion",
    title="How many neurons to train",
    question="what training a growing share of the neurons gives",
    asks="A growing share of the neurons of the training tasks is trained, for all of them together and for each task "
    "alone. What an unseen task gains is generalisation, what it loses is forgetting. The paper reports that scores on "
    "the trained tasks rise and then fall, while scores on unseen tasks keep rising.",
    paper=f"{LENG}, Figures 2 and 6",
    page="training.md",
    figures=(
        ("joint-loss", "Losses by the share of neurons that is trained on three tasks together."),
        ("joint", "Scores by the share of neurons that is trained on three tasks together (Figure 2)."),
        ("single-loss", "Losses by the share of neurons that is trained on each task alone."),
        ("single", "Scores by the share of neurons that is trained on each task alone (Figure 6)."),
    ),
    tables=(
        ("proportion_setting", "Could this setting show it?"),
        ("proportion_trend", "Do scores rise with the share?"),
        ("proportion_summary", "Means and intervals by share"),
        ("proportion", "Every measured value"),
    ),
)
