"""Letters that look like Latin ones, beyond what Unicode's compatibility forms (NFKC) already fold.

A compact table of our own: the lookalikes that disguised prompts use, not every pair Unicode lists.
"""

# ruff: noqa: RUF001 - a table of lookalikes holds lookalikes

from __future__ import annotations

from typing import Final


def _pairs(lookalikes: str, latin: str) -> dict[str, str]:
    return dict(zip(lookalikes, latin, strict=True))


def _range(first: int, latin: str) -> dict[str, str]:
    return {chr(first + at): letter for at, letter in enumerate(latin)}


_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"

SCRIPTS: Final[dict[str, str]] = {
    # Cyrillic
    **_pairs("асԁеһіјӏкмпорԛѕтуүԝхғьѵёї", "acdehijlkmnopqstyywxfbvei"),
    **_pairs("АВСЕНІЈКМОРԚЅТУҮԜХҒЬѴЁЇ", "ABCEHIJKMOPQSTYYWXFBVEI"),
    # Greek
    **_pairs("αβγεηικνορτυχωςάέίόύήϲϳ", "abyenikvoptuxwsaeiouncj"),
    **_pairs("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ", "ABEZHIKMNOPTYXCJ"),
    # Armenian and Cherokee
    **_pairs("աօսհոցյ", "wouhngj"),
    **_pairs("ᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ", "ABCDEHJKLMPRSTVWZ"),
}
"""Letters of other living scripts: folded only where the text around them is Latin."""

SHAPES: Final[dict[str, str]] = {
    # small capitals
    **_pairs("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz"),
    # phonetic letters, the ones upside-down writing uses, and struck-through ones
    **_pairs("ɑɡıɩƖǀɾɐɔǝɟƃɥᴉʞɯɹʇʌʍʎøđłŧħ", "agiilljacefghikmrtvwyodlth"),
    **_pairs("ØĐŁŦĦ", "ODLTH"),
    # letters in boxes, circles and brackets, and flag letters
    **_range(0x1F150, _ALPHABET),
    **_range(0x1F170, _ALPHABET),
    **_range(0x1F1E6, _ALPHABET),
    **_range(0x249C, _ALPHABET),
}
"""Latin letters in another shape: folded everywhere."""
