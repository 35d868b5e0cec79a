"""What a SLURM profile turns into; no SLURM is asked."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from infra.clusters.profiles import PROFILES, LocalProfile, SlurmProfile, read_profile, with_resources
from infra.errors import ClusterError
from infra.slurm.commands import Owner, _parse, this_owner
from infra.slurm.jobqueue import job_class
from infra.slurm.private_folder import private_folder
from infra.slurm.script import example_script, job_options, job_script, write_environment
from tasks.core.base.processes import ProcessIdentity, is_gone, this_process

OWNER = Owner("us-iter0-3f9a0c11d2e4", ProcessIdentity("login1", 4711, "0d2f4a95.171845"))


def script(profile):
    return job_script(job_options(profile, OWNER, Path("/shared/logs"), Path("/shared/logs/private-x")))


def test_the_cpu_profiles_job_asks_for_what_the_profile_says(tmp_path):
    lines = script(read_profile("slurm-cpu")).splitlines()
    assert "#SBATCH -o /shared/logs/winnow-us-iter0-3f9a0c11d2e4-%J.out" in lines
    for line in ("-n 1", "--cpus-per-task=8", "--mem=16G", "-t 04:00:00", f"--comment={OWNER.comment}"):
        assert f"#SBATCH {line}" in lines
    assert 'export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-8}"' in lines
    assert 'export HF_HUB_OFFLINE="1"' in lines
    worker = next(line for line in lines if "distributed.cli.dask_worker" in line)
    for words in ("--nthreads 1 ", "--memory-limit 0", "--lifetime 13500s", "--lifetime-stagger 300s", "--no-nanny"):
        assert words in worker


def test_the_gpu_profiles_job_asks_for_a_gpu_also_where_it_is_only_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = example_script(read_profile("slurm-gpu"))
    assert "#SBATCH --gres=gpu:1" in shown.splitlines()
    assert 'export DASK_CONFIG="LOGS/KEYS/dask.yaml"' in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["/data/my runs", "/data/x;y", "/data/$HOME"])
def test_a_path_that_a_jobs_script_would_break_is_refused(folder):
    with pytest.raises(ClusterError, match="where only letters, digits and"):
        job_options(read_profile("slurm-cpu"), OWNER, Path(folder), Path(folder, "private-x"))


def test_folders_of_keys_go_with_a_launch_of_another_host_where_no_other_can_be_at_work(tmp_path):
    left = [tmp_path / f"private-login-2-4711-{start}-abc" for start in ("1700000000", "0d2f4a95.171845")]
    for folder in left:
        folder.mkdir()
    with private_folder(tmp_path, exclusive=False):
        assert all(folder.exists() for folder in left)
    with private_folder(tmp_path, exclusive=True) as own:
        assert list(tmp_path.iterdir()) == [own]


def test_a_jobs_number_is_found_behind_a_sites_banner(tmp_path):
    options = job_options(read_profile("slurm-cpu"), OWNER, tmp_path, tmp_path)
    job = job_class()("tls://10.0.0.1:8786", name="0", **options)
    assert job._job_id_from_submit_output("Welcome to Stampede3\nSubmitted batch job 1704\n") == "1704"


def test_folders_of_keys_go_with_a_process_that_died(tmp_path):
    me = this_process()
    left = [tmp_path / f"private-{me.host}-{me.pid}-{start}-abc" for start in ("1700000000", "0d2f4a95.1")]
    for folder in [*left, tmp_path / "private-notes", tmp_path / "private-a-b-c-d"]:
        folder.mkdir()
    with private_folder(tmp_path, exclusive=False) as own:
        assert sorted(tmp_path.iterdir()) == sorted([own, tmp_path / "private-notes", tmp_path / "private-a-b-c-d"])


def test_a_jobs_owner_is_found_in_its_comment_also_in_that_of_an_older_version():
    here = this_owner("x")
    assert _parse(f"9|PENDING|None|{here.comment}").owner == here
    started = psutil.Process().create_time()
    old = [f"winnow/x/{here.process.host}/{here.process.pid}/{int(started) - age}" for age in (30, -30, 3_600)]
    owners = [_parse(f"9|PENDING|None|{comment}").owner for comment in old]
    assert [is_gone(owner.process) for owner in owners] == [False, False, True]


def test_lines_of_squeue_that_are_no_jobs_of_ours_are_passed_over():
    lines = [
        "",
        "CLUSTER: one",
        "7|RUNNING|None|(null)",
        "8|RUNNING|None|winnow/a/b/c/d",
        f"9|PENDING|None|{OWNER.comment}",
    ]
    assert [job.number for line in lines if (job := _parse(line)) is not None] == ["9"]


def test_the_worker_takes_the_place_of_the_jobs_shell():
    last = script(read_profile("slurm-cpu")).strip().splitlines()[-1]
    assert last.startswith(f"exec {sys.executable} -m distributed.cli.dask_worker ")


def test_a_profile_without_slurm_jobs_has_no_script():
    with pytest.raises(ClusterError, match="is 'local', which submits nothing to SLURM"):
        example_script(read_profile("local"))


def test_directives_prologue_and_scratch_stand_in_the_script():
    profile = read_profile("slurm-cpu").model_copy(
        update={"directives": ("--constraint=icelake",), "prologue": ("module load gcc",), "local_folder": "$TMPDIR"}
    )
    text = script(profile)
    assert "#SBATCH --constraint=icelake\n" in text
    assert text.index("module load gcc") < text.index("dask_worker")
    assert "--local-directory $TMPDIR" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"retire_before_minutes": 240}, "a worker would retire 240"),
        ({"environment": {"A B": "1"}}, r"names of environment variables are letters.*'A B'"),
        ({"environment": {"A\n": "1"}}, r"names of environment variables are letters"),
        ({"memory": "16GB"}, "memory"),
        ({"workers": 0}, "workers"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path, change, message):
    content = yaml.safe_load((PROFILES / "slurm-cpu.yaml").read_text()) | change
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ClusterError, match=rf"(?s)wrong\.yaml is not a cluster profile.*{message}"):
        read_profile(str(path))


def test_other_memory_and_time_can_be_asked_for():
    profile = with_resources(read_profile("slurm-cpu"), 32, 600)
    assert isinstance(profile, SlurmProfile)
    assert (profile.memory_gib, profile.walltime_minutes) == (32, 600)


def test_other_memory_for_no_slurm_jobs_is_refused():
    with pytest.raises(ClusterError, match="memory_gib is for SLURM jobs, but the cluster profile is 'local'"):
        with_resources(LocalProfile(kind="local"), 32, None)


def test_a_walltime_shorter_than_the_retirement_is_refused():
    with pytest.raises(ClusterError, match="a worker would retire"):
        with_resources(read_profile("slurm-cpu"), None, 10)


def test_a_tls_address_needs_keys():
    with pytest.raises(ClusterError, match="tls_folder must name the folder"):
        read_profile("tls://10.0.0.1:8786")


@pytest.mark.parametrize("name", ["WINNOW_X=1;touch owned;Y", "MLFLOW_$(touch owned)", "PREFECT_A B", "WINNOW_\n"])
def test_a_variables_name_that_a_shell_would_run_enters_no_job(tmp_path, monkeypatch, name):
    monkeypatch.setattr(os, "environ", {name: "1", "WINNOW_HOME": "/x"})
    with pytest.raises(ClusterError, match="names of variables that SLURM jobs need"):
        write_environment(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_variables_value_is_the_same_in_a_job(tmp_path, monkeypatch):
    value = "a'b\"$(touch owned)\n`id`"
    monkeypatch.setenv("WINNOW_ODD", value)
    write_environment(tmp_path)
    command = ["sh", "-c", f". {tmp_path}/environment; printenv WINNOW_ODD"]
    assert subprocess.check_output(command, cwd=tmp_path, text=True) == value + "\n"
    assert [path.name for path in tmp_path.iterdir()] == ["environment"]
