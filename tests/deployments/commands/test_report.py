"""`winnow report` as a person types it, without servers."""

import sys
from pathlib import Path

from tests.support.commands import assert_taught


def test_it_prints_where_the_page_lies_and_opens_it(winnow, make_round, tmp_path):
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n")
    browser.chmod(0o755)
    done = winnow("report", str(make_round()), "--open", BROWSER=f"{browser} %s")
    page = Path(done.stdout.strip())
    assert (done.returncode, page.name) == (0, "report.html")
    assert "prefect deployment run training/us-iter0 --watch" in page.read_text()
    assert opened.read_text() == page.as_uri()


def test_another_run_has_another_page(winnow, make_round):
    done = winnow("report", str(make_round()), "--run-name", "trial", "--sample", "new_samples")
    assert done.stdout.strip().endswith("/report-trial-new_samples.html")


def test_a_round_that_is_none_is_refused(winnow):
    assert_taught(winnow("report", "xx-iter9"), "there is no round 'xx-iter9'")
