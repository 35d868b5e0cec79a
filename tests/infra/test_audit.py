"""What `make audit` says of pip-audit's findings; the tools themselves ask the internet, and are run by hand."""

import json

from infra.audit import judge


def found(*packages):
    return json.dumps({"dependencies": list(packages), "fixes": []})


SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
FLAWED = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "CVE-2019-10906", "fix_versions": ["2.10.1"]}]}
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


def test_all_looked_up_and_nothing_known_is_clean():
    assert judge(found(SOUND, {"name": "winnow", "skip_reason": "distribution marked as editable"})).is_clean


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it():
    judgement = judge(found(SOUND, FLAWED))
    assert not judgement.is_clean
    assert "jinja2 2.4.1: CVE-2019-10906, mended in 2.10.1" in str(judgement)


def test_what_could_not_be_looked_up_is_not_taken_for_sound():
    judgement = judge(found(SOUND, SKIPPED))
    assert not judgement.is_clean
    assert "not looked up, 1: torch" in str(judgement)
    assert judgement.asked == 1
