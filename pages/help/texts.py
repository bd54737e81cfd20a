"""What the help says: of each page, and of each figure, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from services.language import lazy_gettext


@dataclass(frozen=True)
class Topic:
    """The help for some pages.

    Attributes:
        title: the pages, as the navigation names them.
        purpose: what they are for; a paragraph each.
        figures: codes of `FIGURES` that they show.
        blueprints: whose pages these are.
        keys: whether the keys of the reading room work there.
    """

    title: str
    purpose: tuple[str, ...]
    blueprints: tuple[str, ...]
    figures: tuple[str, ...] = ()
    keys: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure that pages and reports show, and what it means, in a sentence."""

    name: str
    meaning: str


GENERAL = "start"
"""The topic of pages that have none of their own."""

TOPICS = {
    GENERAL: Topic(
        lazy_gettext("First steps"),
        (
            lazy_gettext(
                "Leukoscope finds and names the white cells in photographed fields of a smear. You "
                "review them, and a reviewer signs the case. It assists a qualified reader and "
                "does not diagnose."
            ),
            lazy_gettext(
                "Open a case, upload fields to it, review the cells in the reading room, then sign."
            ),
        ),
        ("home", "help", "tour", "health", "metrics"),
    ),
    "cases": Topic(
        lazy_gettext("Cases"),
        (
            lazy_gettext(
                "The worklist has your team’s cases: search, sort, assign and archive them. A case "
                "is one specimen of one patient, under a pseudonym: never enter a name or record "
                "number."
            ),
            lazy_gettext(
                "The page of a case shows its specimen, its images and how far its review is."
            ),
        ),
        ("cases", "work", "demo"),
        ("reviewed", "blast_share", "interval", "edge"),
    ),
    "room": Topic(
        lazy_gettext("Reading room"),
        (
            lazy_gettext(
                "Shows every white cell of a case, sorted by class: what the models propose is "
                "dashed, what people reviewed has a solid frame. Confirm or correct each cell; "
                "everything is saved at once and can be undone."
            ),
            lazy_gettext("The models’ findings are kept beside your review and never change."),
            lazy_gettext(
                "“Teach” shows the 30 cells most useful to review next: those of which the models "
                "are least sure, and no two alike. Reference cells are from open image sets and, "
                "where there are any, from cases that your team has signed."
            ),
            lazy_gettext(
                "Administrators can add cell classes of your laboratory’s own. You can choose a "
                "key for each."
            ),
        ),
        ("reading", "room_keys"),
        (
            *("probability", "below_threshold", "disagreement", "reviewed", "blast_share"),
            *("interval", "nrbc", "smudge", "edge", "diameter"),
        ),
        keys=True,
    ),
    "sign_off": Topic(
        lazy_gettext("Sign-off and reports"),
        (
            lazy_gettext(
                "Lists which cells still need review and what the checks found. A warning needs a "
                "reason, which is printed in the report. Signing locks the case; a reviewer can "
                "reopen it for amendment, and each signed version is kept."
            ),
            lazy_gettext("Reports come as PDF, CSV, JSON, FHIR and HL7."),
        ),
        ("sign_off", "reports", "laboratory", "laboratory_classes"),
        ("reviewed", "blast_share", "interval", "nrbc", "kappa"),
    ),
    "detect": Topic(
        lazy_gettext("Detect"),
        (
            lazy_gettext(
                "Upload photographed fields of a smear. The detector finds white cells, red cells "
                "and platelets, and the classifier gives a second opinion on each white cell. You "
                "may leave the page while fields are analysed."
            ),
            lazy_gettext(
                "The page of a field shows its cells and lets you preview other thresholds; the "
                "saved result keeps the default one."
            ),
        ),
        ("detection", "batches", "field", "archives", "known_files"),
        (
            *("probability", "threshold", "below_threshold", "disagreement", "blast_share"),
            *("interval", "quality", "diameter"),
        ),
    ),
    "classify": Topic(
        lazy_gettext("Classify"),
        (
            lazy_gettext(
                "Upload images of single cells. The classifier says for each: ALL blast, normal or "
                "uncertain."
            ),
            lazy_gettext(
                "The result shows which regions of the image counted for or against a blast."
            ),
        ),
        ("classification", "explanation"),
        ("probability", "uncertain", "coverage", "contribution", "quality"),
    ),
    "slides": Topic(
        lazy_gettext("Slides"),
        (
            lazy_gettext(
                "Upload a whole slide and mark the areas to analyse, or let the program propose "
                "areas of the monolayer. Each area is analysed like a field."
            ),
        ),
        ("arrival", "slides", "tiles"),
        ("quality", "diameter"),
    ),
    "history": Topic(
        lazy_gettext("History"),
        (
            lazy_gettext(
                "All images that your team analysed, newest first. Open, filter or delete them. "
                "Images whose cells were reviewed in a case, or that belong to a signed one, are "
                "kept."
            ),
        ),
        ("history",),
        ("probability", "blast_share", "quality"),
    ),
    "models": Topic(
        lazy_gettext("Models"),
        (
            lazy_gettext(
                "What each model is for, what it was trained on, how well it did on images of "
                "held-out subjects, and where its limits are."
            ),
        ),
        ("model",),
        ("sensitivity", "specificity", "auroc", "threshold", "uncertain", "coverage"),
    ),
    "laboratory_model": Topic(
        lazy_gettext("Laboratory model"),
        (
            lazy_gettext(
                "Fits a correction of the classifier to the cells that readers signed. It is "
                "tested on patients it was not fitted to, and can be activated only if no figure "
                "is worse. In shadow its answers are counted and shown to nobody."
            ),
            lazy_gettext(
                "It belongs to this laboratory: on another microscope or stain it may do harm. You "
                "can return to the shipped networks at any time."
            ),
        ),
        ("laboratory_models",),
        ("sensitivity", "specificity", "auroc", "interval"),
    ),
    "statistics": Topic(
        lazy_gettext("Statistics"),
        (
            lazy_gettext(
                "The laboratory’s work in a period: cases opened and signed, turnaround, and "
                "agreement with the models. Demo cases are not counted."
            ),
        ),
        ("statistics",),
        ("turnaround", "agreement"),
    ),
    "quality_watch": Topic(
        lazy_gettext("Quality"),
        (
            lazy_gettext(
                "Stain, colour, brightness and focus of the team’s fields, out-of-distribution and "
                "uncertain cells, and the models’ agreement with reviewers, from day to day. A "
                "moving average (EWMA) outside its limits says that something has changed; the "
                "worklist then says since when."
            ),
            lazy_gettext(
                "After a change that you wanted, an administrator lets the baseline begin anew. A "
                "QC slide is a case whose share of blasts is known: its fields of each day are "
                "compared with that."
            ),
        ),
        ("quality",),
    ),
    "people": Topic(
        lazy_gettext("People"),
        (
            lazy_gettext(
                "Administrators approve accounts, give roles, form teams and reset passwords. "
                "Viewers look, readers upload and review, reviewers also sign and delete. "
                "Administrator rights do not include image access."
            ),
        ),
        ("admin", "everybodys_tokens"),
    ),
    "audit": Topic(
        lazy_gettext("Audit"),
        (
            lazy_gettext(
                "Who did what and when. Each entry has the hash of the previous one, so that a "
                "change afterwards shows. Verify the chain here, or download it."
            ),
        ),
        ("audit",),
    ),
    "account": Topic(
        lazy_gettext("Your account"),
        (
            lazy_gettext(
                "Sign in, change your password, see where you are signed in, and set up a second "
                "factor: an authenticator app or a security key."
            ),
            lazy_gettext(
                "With an access token a program sends images or fetches reports for you. It has "
                "your rights, less what you leave out, and signs nothing."
            ),
        ),
        (
            "accounts",
            "provider",
            "full_names",
            "language",
            "sessions",
            "second_factor",
            "security_keys",
            "tokens",
            "webhooks",
        ),
    ),
}
"""By their code, which is their anchor on the help page; in the order of the page."""

FIGURES = {
    "probability": Figure(
        lazy_gettext("Probability"),
        lazy_gettext(
            "How sure the model is, from 0 to 100%; of 100 cells with 80%, about 80 are what it "
            "says."
        ),
    ),
    "uncertain": Figure(
        lazy_gettext("Uncertain"),
        lazy_gettext(
            "The probability lies between the classifier’s two limits, so it names neither blast "
            "nor normal: look at the cell yourself."
        ),
    ),
    "threshold": Figure(
        lazy_gettext("Blast threshold"),
        lazy_gettext(
            "The probability from which a cell counts as a blast; lower finds more blasts and more "
            "false ones."
        ),
    ),
    "below_threshold": Figure(
        lazy_gettext("Below threshold"),
        lazy_gettext(
            "The detector is unsure whether this is a white cell; it counts only once you give it "
            "a class."
        ),
    ),
    "disagreement": Figure(
        lazy_gettext("Models disagree (≠)"),
        lazy_gettext(
            "Detector and classifier differ on whether the cell is a blast; such cells are "
            "confirmed one by one."
        ),
    ),
    "reviewed": Figure(
        lazy_gettext("Reviewed"),
        lazy_gettext("Cells that a person confirmed or corrected, of all cells of the case."),
    ),
    "blast_share": Figure(
        lazy_gettext("Blasts, %"),
        lazy_gettext("Blasts among the white cells of the differential, without NRBC and smudges."),
    ),
    "interval": Figure(
        "95% CI",
        lazy_gettext(
            "The range in which the true share lies with 95% confidence (Wilson), if the cells are "
            "independent; few cells give a wide one."
        ),
    ),
    "nrbc": Figure(
        "NRBC per 100 WBC",
        lazy_gettext(
            "Nucleated red cells, counted beside the white cells and given per 100 of them."
        ),
    ),
    "smudge": Figure(
        lazy_gettext("Smudge cells per 100 WBC"),
        lazy_gettext("Burst cells, counted beside the white cells and given per 100 of them."),
    ),
    "edge": Figure(
        lazy_gettext("Cut by the edge (✂)"),
        lazy_gettext(
            "The picture shows only part of the cell; the case says whether such cells count."
        ),
    ),
    "diameter": Figure(
        lazy_gettext("Diameter, µm"),
        lazy_gettext("The longer side of the cell’s box, where the scale of the image is known."),
    ),
    "quality": Figure(
        lazy_gettext("Image quality"),
        lazy_gettext(
            "“Doubtful” images are counted with a warning; “Not readable” ones are not counted "
            "unless you override the check."
        ),
    ),
    "contribution": Figure(
        lazy_gettext("Contribution of each region"),
        lazy_gettext(
            "How much a region raised or lowered the probability of a blast (SHAP values)."
        ),
    ),
    "kappa": Figure(
        lazy_gettext("Cohen’s kappa"),
        lazy_gettext(
            "Agreement of two reviewers beyond what chance alone would give: 1 is full agreement, "
            "0 is chance."
        ),
    ),
    "coverage": Figure(
        lazy_gettext("Coverage"),
        lazy_gettext(
            "Share of the cells that the classifier calls blast or normal; the others are "
            "uncertain."
        ),
    ),
    "sensitivity": Figure(
        lazy_gettext("Sensitivity"),
        lazy_gettext("Share of the true blasts that the model calls blasts."),
    ),
    "specificity": Figure(
        lazy_gettext("Specificity"),
        lazy_gettext("Share of the cells that are no blasts that the model calls so."),
    ),
    "auroc": Figure(
        "AUROC",
        lazy_gettext(
            "The chance that a random blast gets a higher probability than a random normal cell; "
            "0.5 is guessing."
        ),
    ),
    "turnaround": Figure(
        lazy_gettext("Turnaround"), lazy_gettext("Time from opening a case to signing it.")
    ),
    "agreement": Figure(
        lazy_gettext("Agreement with the models"),
        lazy_gettext(
            "Share of the reviewed cells on which models and reviewers both say blast, or both do "
            "not."
        ),
    ),
}
"""By their code, in the order of the page."""

_BY_BLUEPRINT = {name: code for code, topic in TOPICS.items() for name in topic.blueprints}


def topic_of(blueprint: str | None) -> str:
    """Return the code of the topic that a blueprint's pages have."""
    return _BY_BLUEPRINT.get(blueprint or "", GENERAL)
