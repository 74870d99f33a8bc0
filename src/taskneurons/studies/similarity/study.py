"""What the study of parameter similarity says of itself."""

from taskneurons.evidence.study import LENG, Study

STUDY = Study(
    name="similarity",
    title="Similarity of parameters",
    question="whether the similarity of parameters goes with transfer",
    asks="Inside one model, how similar are the parameters of the neurons of two tasks, layer by layer? And does the "
    "similarity predict how well training on one task transfers to the other?",
    paper=f"{LENG}, Table 4 and Figure 3",
    page="training.md",
    figures=(
        ("layers", "Similarity of the parameters of two tasks' neurons, by layer (Figure 3)."),
        ("transfer", "Similarity of parameters against the score of the tested task, by task."),
        ("correlation", "Correlation of that similarity with the score, by task (Table 4)."),
    ),
    tables=(
        ("similarity_correlation", "Correlations with the test score"),
        ("similarity_layers", "Similarity by layer"),
        ("similarity_transfer", "Similarity and scores of each pair"),
        ("similarity", "Every measured value"),
    ),
    published=(("leng2025/table4_similarity_correlation.csv", "Table 4: correlation with the test score"),),
    words=(
        ("state", "base", "before tuning"),
        ("state", "tuned", "after tuning"),
        ("scope", "pooled", "all pairs of tasks"),
        ("scope", "test_task", "one tested task"),
    ),
)
