"""QR codes of links: the standard's own example, and another program reads what ours draws."""

import json
import subprocess
from pathlib import Path

from tests.processes import ROOT
from tests.servers import npm

# Annex I of ISO/IEC 18004.
CORRECTION = [0xA5, 0x24, 0xD4, 0xC1, 0xED, 0x36, 0xC7, 0x87, 0x2C, 0x55]


def test_qr_codes_of_every_length_are_read_by_another_program(node_modules: Path) -> None:
    link = "https://pictures.example.org/l/7.q6m3k1XhT0Qd2b8Jb1l0Vw"
    texts = [link, "a", "ñandú 🦤", *[link + "x" * count for count in range(20, 600, 45)]]
    script = Path(__file__).with_name("qr_codes.mjs")
    finished = subprocess.run(
        [npm.NODE, script, ROOT / "static" / "js", node_modules, *texts],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result = json.loads(finished.stdout)
    assert result["correction"] == CORRECTION
    assert result["read"] == texts
    assert min(result["sizes"]) == 17 + 4 * 1
    assert max(result["sizes"]) >= 17 + 4 * 18
