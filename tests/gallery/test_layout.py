"""Where the list draws its pictures: computed in part again, it is as if it were computed anew."""

import subprocess

from tests.processes import ROOT
from tests.servers import npm

PROGRAM = """
import assert from "node:assert/strict";
const { layOut } = await import(process.argv[1]);
let seed = 1;
const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
const measures = {
    width: 1400, rowHeight: 200, gap: 8, headingHeight: 48, groupOf: ({ month }) => month,
};
const picture = (at) => ({
    id: at + 1, width: 100 + random(900), height: 100 + random(900),
    month: `month ${Math.floor(at / 37)}`,
});
for (let round = 0; round < 300; round += 1) {
    const list = Array.from({ length: random(260) }, (_, at) => picture(at));
    const rows = layOut(list, measures);
    const drawn = rows.flatMap(({ boxes }) => boxes.map(({ id }) => id));
    assert.deepEqual(drawn, list.map(({ id }) => id), "each once, in order");
    const from = random(list.length + 1);
    const kinds = [
        list.slice(0, from),
        [...list, ...Array.from({ length: 80 }, (_, at) => picture(list.length + at))],
        list.toSpliced(from, 3),
        list.toSpliced(from, 0, { ...picture(from), id: 1000 }),
    ];
    const [cut, longer] = kinds;
    for (const other of kinds) {
        const place = other === longer ? list.length : from;
        const again = layOut(other, measures, rows, place);
        assert.deepEqual(again, layOut(other, measures));
        const stays = again.filter((row) => rows.includes(row)).length;
        const end = ({ index, boxes }) => index + boxes.length;
        assert.equal(stays, rows.filter((row) => end(row) < place).length);
    }
}
console.log("done");
"""


def test_rows_that_a_change_does_not_reach_stay_and_the_others_are_as_if_laid_out_anew() -> None:
    script = (ROOT / "static" / "js" / "layout.js").as_uri()
    command = [str(npm.NODE), "--no-warnings", "--input-type=module", "-e", PROGRAM, script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "done\n", done.stderr
