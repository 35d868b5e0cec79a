"""What a student starts from: a model as it is, one cut to some of its layers, or one of a configuration of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint
from tasks.core.base.folders_aside import folder_aside, put_in_place, sweep
from tasks.core.base.naming.file_names import FP32_FILE, ONNX_FILE
from tasks.core.base.naming.library_names import CONFIG_FILE
from tasks.core.base.naming.work_places import student_bases_folder
from tasks.core.distillation.cut_model import classes_of, count_layers, cut_model, save_base
from tasks.core.distillation.expert_scores import ExpertRunFolder
from tasks.core.round.distillation_section import Student
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.core.training.base_models.load_base import load_classifier

BYTES_A_PARAMETER = 4
"""Graphs in fp32 hold so many bytes a parameter, and next to nothing else."""


def make_base(student: Student, source: Path, work_path: Path, classes: Sequence[str], seed: int) -> Path:
    """Return the folder that a student starts from: `source` itself, or what is made of it below `work_path`.

    Raises:
        ModelFolderError: `source` is no model that can be used, or cannot be made what the settings say.
    """
    if student.start == "base_model" and student.layers is None:
        return source
    made_of = [base_model_digest(str(source)), student.model_dump(mode="json"), list(classes), seed]
    folder = student_bases_folder(work_path) / fingerprint(made_of)
    sweep(folder.parent)
    if student.start == "configuration":
        return small_model(source, student.configuration, folder, seed)
    return cut_model(source, student.layers or range(count_layers(source)), folder, classes)


def small_model(source: Path, changes: Mapping[str, int], folder: Path, seed: int) -> Path:
    """Write a model of the family and tokenizer of `source` with other numbers in its configuration, and return it.

    Its weights are random, fixed by `seed`.

    Raises:
        ModelFolderError: the configuration has no such keys, or no model can be made of it.
    """
    if folder.is_dir():
        return folder
    config = AutoConfig.from_pretrained(source, local_files_only=True, trust_remote_code=False)
    unknown = sorted(key for key in changes if not hasattr(config, key))
    if unknown:
        raise ModelFolderError(
            f"distillation.student.configuration names {unknown}, which {source / CONFIG_FILE} does not have; it has "
            f"{sorted(key for key, value in config.to_dict().items() if type(value) is int)}"
        )
    for key, value in changes.items():
        setattr(config, key, value)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            model = AutoModel.from_config(config)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ModelFolderError(
                f"no model can be made of distillation.student.configuration {dict(changes)}: {error}"
            ) from None
    with folder_aside(folder) as aside:
        save_base(model, source, aside)
        put_in_place(aside, folder, stands=folder.is_dir)
    return folder


def count_parameters(folder: Path) -> int:
    """Return how many numbers a model's body and head have, as training would load them."""
    model = load_classifier(folder, classes_of(folder), freeze_embeddings=False)
    return sum(parameter.numel() for parameter in model.parameters())


def larger_than_its_teacher(base: Path, experts: Sequence[ExpertRunFolder]) -> str | None:
    """Say that a student has more parameters than the smallest of its experts, or None."""
    own, theirs = count_parameters(base), min(parameters_of(expert) for expert in experts)
    if own <= theirs:
        return None
    return (
        f"the student has {own:,} parameters, more than an expert's {theirs:,}: it costs more than what it stands for. "
        "Choose fewer layers (distillation.student.layers) or a smaller distillation.student.base_model."
    )


def parameters_of(expert: ExpertRunFolder) -> int:
    """Return about how many parameters the smallest of an expert's models has, by the size of its fp32 graph."""
    folders = [Path(use.folder) for use in expert.plan.engines if use.label in expert.named.values()]
    graphs = [next(folder / name for name in (FP32_FILE, ONNX_FILE) if (folder / name).is_file()) for folder in folders]
    return min(graph.stat().st_size for graph in graphs) // BYTES_A_PARAMETER
