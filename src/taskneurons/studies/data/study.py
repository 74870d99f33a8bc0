"""What the study of the data says of itself."""

from taskneurons.evidence.study import Study

STUDY = Study(
    name="data",
    title="The data",
    question="what was read, kept and dropped of every task",
    asks="What was read, kept and dropped of every task, and why. The data cards say more.",
    tables=(("data", "Examples by outcome"), ("answers", "How written answers are scored")),
    files=(("tasks", "results/data/*/tasks/*/task.json"), ("cards", "results/cards/*/*.md")),
)
