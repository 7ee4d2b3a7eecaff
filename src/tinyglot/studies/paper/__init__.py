"""Numbers of Ogueji et al. (2022), to stand beside those of a study."""

from tinyglot.studies.paper.read import (
    PaperTable,
    paper_facts,
    paper_label,
    paper_scores,
    paper_tables,
)

__all__ = ["PaperTable", "paper_facts", "paper_label", "paper_scores", "paper_tables"]
