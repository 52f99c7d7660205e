"""Reads files by exiftool, and tells what it finds in them besides how they are made up."""

import json
import re
import subprocess
from pathlib import Path

# Groups of exiftool that say how a file is made up and shown, and names of others that do.
_STRUCTURE = re.compile(
    r"SourceFile|ExifTool:.*|System:.*|File:(?!Comment).*|JFIF:.*|PNG:.*|PNG-pHYs:.*|"
    r"PNG-cICP:.*|RIFF:.*|GIF:(?!Comment).*|QuickTime:.*|Track\d:.*|Meta:.*|ICC.*|Adobe:.*|"
    r"APP14:.*|Chunk.*|IFD\d:Orientation|MPF0:.*|FlashPix:.*"
)
_TELLING = re.compile(
    r".*:(.*(Comment|Artist|Author|Copyright|Title|Description|Keywords|Software|Make|Model|Serial|"
    r"GPS|Location|Creator|Owner|HandlerDescription|CreateDate|ModifyDate|MediaCreateDate|"
    r"TrackCreateDate|UserData).*)"
)
# Of profiles: what a standard gave them, or nothing.
_HARMLESS_VALUES = re.compile(
    r"|0000:00:00 00:00:00|ICC profile|CC0|none|sRGB.*|Display P3|Adobe RGB.*|Dot Gain.*|"
    r"Gray Gamma.*|Generic.*|Copyright.*(Apple|Adobe|Hewlett|Google|International Color).*|IEC.*|"
    r"Apple.*|Adobe.*|Microsoft.*|Hewlett.*|Google.*|Linotronic|.*Viewing.*|.*D50.*|"
    r"\(Binary data.*|International Color Consortium.*|No copyright.*|libavif|PictureHandler"
)


def read_files(program: str, folder: Path) -> dict[str, dict[str, object]]:
    """Return what there is in each file of a folder, by the names of files and fields.

    Without what exiftool makes up of other fields (`-e`), a third of its time.
    """
    command = [program, "-json", "-G1", "-a", "-u", "-e", "-q", "-q", "-fast0", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    return {Path(file["SourceFile"]).name: file for file in json.loads(done.stdout)}


def telling_fields(name: str, fields: dict[str, object]) -> dict[str, object]:
    """Return what says more of a file than how its picture is stored and shown."""
    return {
        f"{name} {field}": value
        for field, value in fields.items()
        if not _is_structure(field, str(value), is_tiff=".tif" in name)
    }


def _is_structure(name: str, value: str, *, is_tiff: bool) -> bool:
    if is_tiff and name.startswith("IFD") and not _TELLING.fullmatch(name):
        return True
    if not _STRUCTURE.fullmatch(name):
        return False
    is_of_file = name.startswith(("System:", "ExifTool:", "File:", "SourceFile"))
    return is_of_file or not _TELLING.fullmatch(name) or bool(_HARMLESS_VALUES.fullmatch(value))
