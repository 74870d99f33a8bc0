"""What the study of planted neurons says of itself."""

from taskneurons.evidence.study import LENG, Study

STUDY = Study(
    name="validation",
    title="Planted neurons",
    question="whether scores find neurons of which it is known what they carry",
    asks="Does a score find the neurons that a task uses? Neurons are planted into small models: some carry a skill "
    "that all tasks ask, some that of a family, some that of one task, some carry nothing. Ablation proves it; then "
    f"every estimator looks for them, among them that of {LENG}.",
    page="validation.md",
    figures=(
        ("estimators", "How well each estimator ranks planted neurons above others."),
        ("specificity", "How specific the sets are that each estimator chooses, beside those of noise."),
        ("stability", "How many examples of a task are enough for each estimator."),
        ("oracle", "What first-order scores say of single neurons of a sample, and what their ablation shows."),
    ),
    tables=(
        ("validation", "How well each estimator ranks the planted neurons, and how it agrees with exact ablation"),
        ("validation_specificity", "The specificity index of the sets that each estimator chooses"),
        ("validation_stability", "How well few examples find the neurons, and how far two draws of them agree"),
        ("validation_proof", "The proof of each plant"),
        ("validation_oracle", "How far first-order scores agree with exact ablation in a sample of a model's neurons"),
        ("validation_sample", "The neurons of these samples, each ablated alone"),
    ),
    words=(
        ("sets", "plant", "the planted neurons"),
        ("sets", "members", "neurons of all skills of the task"),
        ("sets", "own_less_others", "top neurons less those of other tasks"),
        ("sets", "random_layer", "random, matched by layer"),
        ("sets", "random_magnitude", "random, matched by activation"),
        ("sets", "random_norm", "random, matched by weights"),
    ),
)
