"""What the study of the models says of itself."""

from taskneurons.evidence.study import Study

STUDY = Study(
    name="models",
    title="The models",
    question="what the models can do before anything is done to them",
    asks="What the models can do before anything is done to them. Each was trained on every task of its suite "
    "together, unless `multitask` is null: then it is as it was made.",
    tables=(("models", "Scores of the untouched models"),),
)
