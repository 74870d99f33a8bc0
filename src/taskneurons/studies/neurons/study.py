"""What the study of neuron scores and sets says of itself."""

from taskneurons.evidence.study import LENG, Study

STUDY = Study(
    name="neurons",
    title="Where task neurons lie",
    question="how the scores of neurons are distributed, and in which layers the task neurons lie",
    asks="Every neuron has a score for each task. How are the scores distributed, and how are the neurons with the "
    "highest scores spread over the layers?",
    paper=f"{LENG}, Section 3",
    figures=(
        ("scores-*", "Distribution of the scores of each task. The line marks the lowest score in the set."),
        (
            "layers-*",
            "The share of each task's set that lies in each layer, with neurons ranked over the model and within "
            "layers.",
        ),
    ),
    tables=(("neurons", "Share of each set by layer"),),
    files=(("scores", "results/neurons/*/*/seed*/scores/*/*.safetensors"),),
)
