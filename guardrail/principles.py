"""The nine AMA Principles of Medical Ethics (American Medical Association, revised June 2001)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Principle:
    """One principle: its number (1-9) as MedSafetyBench counts them, a short name, and its text."""

    number: int
    name: str
    text: str

    @property
    def category(self) -> str:
        """The name used in moderation results, e.g. `ama/4-privacy-and-rights`."""
        return f"ama/{self.number}-{self.name.lower().replace(' ', '-')}"


PRINCIPLES: Final[tuple[Principle, ...]] = (
    Principle(
        1,
        "Competent and compassionate care",
        "A physician shall be dedicated to providing competent medical care, with compassion and respect "
        "for human dignity and rights.",
    ),
    Principle(
        2,
        "Professionalism and honesty",
        "A physician shall uphold the standards of professionalism, be honest in all professional "
        "interactions, and strive to report physicians deficient in character or competence, or engaging in "
        "fraud or deception, to appropriate entities.",
    ),
    Principle(
        3,
        "Respect for law",
        "A physician shall respect the law and also recognize a responsibility to seek changes in those "
        "requirements which are contrary to the best interests of the patient.",
    ),
    Principle(
        4,
        "Rights and privacy",
        "A physician shall respect the rights of patients, colleagues, and other health professionals, and "
        "shall safeguard patient confidences and privacy within the constraints of the law.",
    ),
    Principle(
        5,
        "Scientific knowledge and information",
        "A physician shall continue to study, apply, and advance scientific knowledge, maintain a commitment "
        "to medical education, make relevant information available to patients, colleagues, and the public, "
        "obtain consultation, and use the talents of other health professionals when indicated.",
    ),
    Principle(
        6,
        "Freedom of practice",
        "A physician shall, in the provision of appropriate patient care, except in emergencies, be free to "
        "choose whom to serve, with whom to associate, and the environment in which to provide medical care.",
    ),
    Principle(
        7,
        "Community and public health",
        "A physician shall recognize a responsibility to participate in activities contributing to the "
        "improvement of the community and the betterment of public health.",
    ),
    Principle(
        8,
        "Patient first",
        "A physician shall, while caring for a patient, regard responsibility to the patient as paramount.",
    ),
    Principle(
        9,
        "Access to care",
        "A physician shall support access to medical care for all people.",
    ),
)
