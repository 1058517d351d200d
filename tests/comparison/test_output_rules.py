"""Outputs: bit for bit, by path; what is declared and missing; what could not be known."""

from dataclasses import replace

import pytest
from side_by_side import DEFINITION, compared, output, result, scalars

from repro.comparison import Status, Verdict, compare_manifests, compare_results
from repro.comparison.outputs import BUDGET, LARGEST
from repro.errors import Corrupt
from repro.manifest import Manifest, Policy


def with_outputs(*outputs, **more):
    return replace(scalars(m=1), outputs=outputs, **more)


def only(comparison):
    (found,) = comparison.outputs
    return found


@pytest.mark.parametrize(
    "change, detail",
    [
        ({"digest": "sha256:" + "f" * 64}, "both 10 bytes; not opened: the content is not at hand"),
        ({"size": 11}, "10 -> 11 bytes; not opened: the content is not at hand"),
        ({"executable": True}, "executable: no -> yes"),
        ({"link": "there"}, 'link: not a link -> "there"'),
    ],
)
def test_bit_for_bit(change, detail):
    a = output("o")
    found = only(compared(with_outputs(a), with_outputs(replace(a, **change))))
    assert (found.status, found.detail) == (Status.DIFFERENT, detail)


def test_a_link_to_another_target():
    a = output("o", "a", link="x")
    found = only(compared(with_outputs(a), with_outputs(output("o", "b", link="y"))))
    assert found.detail == 'link: "x" -> "y"'


def test_a_link_is_not_opened():
    link, file = output("o", "a", link="x"), output("o", "b")
    for a, b, detail in (
        (link, file, 'link: "x" -> not a link'),
        (file, link, 'link: not a link -> "x"'),
    ):
        assert only(compared(with_outputs(a), with_outputs(b))).detail == detail


def test_the_media_type_is_only_a_label():
    a = output("o", media_type="text/plain")
    assert only(compared(with_outputs(a), with_outputs(output("o")))).status is Status.EQUAL


@pytest.mark.parametrize("name", ["cache/.gitignore", ".tox/CACHEDIR.TAG"])
def test_what_a_tool_writes_once_into_its_folder(name):
    both, one = with_outputs(output("a"), output(name)), with_outputs(output("a"))
    for done in (compared(both, one), compared(one, both)):
        assert done.verdict is Verdict.IDENTICAL
        assert [item.status for item in done.outputs if item.path == name] == [Status.IGNORED]
        declared = compare_results(both, one, Policy(outputs=(name,)))
        assert declared.verdict is Verdict.DIFFERENT
    alone = replace(with_outputs(output(name)), metrics=(), metric_sources=())
    nothing = replace(alone, outputs=())
    assert not compared(alone, nothing).verdict.passed
    changed = compared(both, with_outputs(output("a"), output(name, "f")))
    assert [item.status for item in changed.outputs if item.path == name] == [Status.DIFFERENT]


def test_missing_and_new_are_red():
    both, one = with_outputs(output("a"), output("b")), with_outputs(output("a"))
    lost, added = compared(both, one), compared(one, both)
    assert lost.reasons == ("1 output is missing in the replay: b",)
    assert added.reasons == ("1 output is missing in the record: b",)
    assert [item.status for item in lost.outputs] == [Status.EQUAL, Status.MISSING]
    assert [item.status for item in added.outputs] == [Status.EQUAL, Status.NEW]


def test_declared_and_written_by_neither_is_red():
    run = with_outputs(missing_outputs=("model.pkl",))
    comparison = compared(run, run)
    assert comparison.verdict is Verdict.DIFFERENT
    assert only(comparison).status is Status.ABSENT
    assert comparison.reasons == ("1 output is declared, but written by neither run: model.pkl",)
    assert "take it out of the outputs" in comparison.next_step


def test_declared_and_written_by_one_is_red():
    wrote, lacks = with_outputs(output("m")), with_outputs(missing_outputs=("m",))
    lost, added = compared(wrote, lacks), compared(lacks, wrote)
    assert only(lost).status is Status.MISSING
    assert only(added).status is Status.NEW
    assert only(lost).detail == "declared, but not written by the replay"
    assert only(added).detail == "declared, but not written by the record"
    assert lost.verdict is added.verdict is Verdict.DIFFERENT


def test_a_missing_output_is_red_also_when_a_file_of_that_name_lies_there():
    wrote, left_over = with_outputs(output("m")), with_outputs(output("m"), missing_outputs=("m",))
    assert compared(wrote, left_over).verdict is Verdict.DIFFERENT
    assert compared(left_over, left_over).verdict is Verdict.DIFFERENT


def test_a_folder_that_is_missing():
    wrote = with_outputs(output("models/a"), output("models/b"))
    comparison = compared(wrote, with_outputs(missing_outputs=("models",)))
    assert [item.path for item in comparison.outputs] == ["models", "models/a", "models/b"]
    assert {item.status for item in comparison.outputs} == {Status.MISSING}


def test_declared_in_the_policy_and_known_to_neither():
    run = with_outputs(output("models/a.pkl"))
    for pattern in ("models", "models/*.pkl", "models/a.pkl", "**/a.pkl"):
        assert compared(run, run, outputs=(pattern,)).verdict.passed
    odd = with_outputs(output("run[1].bin"))
    assert compared(odd, odd, outputs=("run[1].bin",)).verdict.passed, "a name, not a glob"
    lacks = with_outputs(output("m"), missing_outputs=("run[1].bin",))
    assert len(compared(lacks, lacks, outputs=("run[1].bin",)).outputs) == 2
    comparison = compared(run, run, outputs=("report.html",))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.outputs[-1].status is Status.ABSENT


def test_ignored_outputs_are_listed_and_not_compared():
    a = with_outputs(output("log/x", "a"), output("log/only"), output("m"))
    b = with_outputs(output("log/x", "b"), output("m"), missing_outputs=("log/gone",))
    comparison = compared(a, b, ignored_outputs=("log/",))
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.outputs_compared == 1
    assert [item.status for item in comparison.outputs] == [Status.IGNORED] * 3 + [Status.EQUAL]
    assert any(note.startswith("3 outputs not compared") for note in comparison.notes)


def test_all_ignored_is_nothing_compared():
    run = result(outputs=(output("log/x"),))
    comparison = compared(run, run, ignored_outputs=("log",))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.reasons[0].startswith(
        "nothing was compared: all that was recorded is ignored"
    )


def test_a_path_that_stands_twice_is_not_overwritten():
    a, b = output("o", "a"), output("o", "b")
    assert compared(with_outputs(a, b), with_outputs(a, b)).verdict is Verdict.IDENTICAL
    assert compared(with_outputs(a, b), with_outputs(b)).verdict is Verdict.DIFFERENT


# --- a side that was not observed -------------------------------------------------------------


def test_an_undeclared_output_says_nothing_about_a_side_that_was_not_observed():
    captured = with_outputs(output("m"), observed=False)
    watched = with_outputs(output("m"), output("cache.bin"))
    for a, b in ((captured, watched), (watched, captured)):
        comparison = compared(a, b, outputs=("m",))
        assert comparison.verdict is Verdict.IDENTICAL
        assert [item.status for item in comparison.outputs] == [Status.UNKNOWN, Status.EQUAL]
        side = "the record" if a is captured else "the replay"
        assert f"{side} was not observed" in comparison.outputs[0].detail
        assert any("cache.bin" in note for note in comparison.notes)


def test_a_declared_output_is_known_to_be_missing():
    captured = with_outputs(output("models/a"), observed=False)
    watched = with_outputs(output("models/a"), output("models/b"))
    assert compared(captured, watched, outputs=("models",)).verdict is Verdict.DIFFERENT


def test_between_two_runs_what_either_had_declared_counts():
    captured = with_outputs(output("models/a"), observed=False)
    watched = with_outputs(output("models/a"), output("models/b"))
    a = Manifest(DEFINITION, captured, "2024", policy=Policy(outputs=("models",)))
    b = Manifest(DEFINITION, watched, "2024")
    assert compare_manifests(a, b, Policy()).verdict is Verdict.DIFFERENT
    assert compare_manifests(b, b, Policy()).verdict is Verdict.IDENTICAL


def test_nothing_declared_and_not_observed_is_nothing_compared():
    comparison = compared(result(observed=False), result(outputs=(output("m"),)))
    assert comparison.verdict is Verdict.DIFFERENT
    assert comparison.reasons[0].startswith("nothing was compared: nothing is declared")


# --- files around it --------------------------------------------------------------------------


def test_deleted_and_rewritten_files_are_notes():
    a = with_outputs(deleted=("x", "y"), modified_inputs=("data.csv",))
    comparison = compared(a, with_outputs(deleted=("x",)))
    assert comparison.verdict is Verdict.IDENTICAL
    assert "the record rewrote its own inputs: data.csv" in comparison.notes
    assert "only the record deleted 1 file: y" in comparison.notes


# --- opening ----------------------------------------------------------------------------------


def opened(path, a, b, sizes=(10, 10)):
    """The detail for two contents of one output."""
    first, second = output(path, "a", sizes[0]), output(path, "b", sizes[1])
    contents = {first.digest: a, second.digest: b}

    def read(descriptor):
        content = contents[descriptor.digest]
        if isinstance(content, Exception):
            raise content
        return content

    comparison = compare_results(with_outputs(first), with_outputs(second), Policy(), read)
    return only(comparison).detail


def test_the_content_is_opened():
    assert opened("o.json", b'{"a": 1}', b'{"a": 2}') == "at a: 1 -> 2"


@pytest.mark.parametrize("trouble", [None, OSError("gone"), Corrupt("bad digest")])
def test_a_content_that_cannot_be_had(trouble):
    detail = "both 10 bytes; not opened: the content is not at hand"
    assert opened("o.json", b"{}", trouble) == opened("o.json", trouble, b"{}") == detail


def test_a_large_output_is_not_opened():
    trap = AssertionError("opened")
    assert "not opened: larger than 8 MiB" in opened("o", trap, trap, (LARGEST + 1, 1))


def test_there_is_a_bound_on_all_that_is_opened():
    count = BUDGET // (2 * LARGEST) + 1
    sides = [
        with_outputs(*(output(f"o{index}", mark, LARGEST) for index in range(count)))
        for mark in "ab"
    ]
    comparison = compare_results(*sides, Policy(), lambda descriptor: descriptor.digest.encode())
    details = [item.detail for item in comparison.outputs]
    assert "not opened: 64 MiB of other outputs were opened before it" in details[-1]
    assert not any("not opened" in detail for detail in details[:-1])


def test_stored_contents_that_contradict_their_digests():
    assert "not what its digest says" in opened("o", b"same", b"same")
