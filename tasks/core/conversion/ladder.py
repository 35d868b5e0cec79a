"""Which variants are built and judged, and when: the fastest first, and what is dear only where it would pay.

Every plain variant is built and timed, which takes seconds. Then variants are judged from the fastest to the slowest,
down to the first that passes. Better int8, which is dear to make, is as fast as plain int8 at most: so it is known
before it is built what it could gain, and it stands right after plain int8.
"""

import onnxruntime

from tasks.core.base.errors import ParityError
from tasks.core.conversion.build_orders import build_apart, order_of
from tasks.core.conversion.tried_variants import Trial, fastest_that_passes, measure_cost, try_variant
from tasks.core.conversion.workbench import Workbench
from tasks.core.engines.variants import (
    CUDA_FP16,
    CUDA_PROVIDER,
    DYNAMIC_INT8,
    FP32,
    OPENVINO_BF16,
    STATIC_INT8,
    Variant,
    has_bf16,
    openvino_int8,
)

LITTLE = 0.05
"""Better int8 is worth a try when plain int8 lacks no more than this in Kendall's tau."""
MORE_ROUNDS = 2
"""Those that pass are timed so many times more, in turns."""
LEFT_OUT = "conversion.variants does not name it"
PLAIN = (DYNAMIC_INT8, STATIC_INT8, OPENVINO_BF16, openvino_int8(), CUDA_FP16)
BETTER_INT8 = (openvino_int8("-mixed"), openvino_int8("-distilled"))


def climb(bench: Workbench) -> list[Trial]:
    """Return what became of every variant, fp32 first; those that passed are timed well enough to choose by."""
    built = [Trial(FP32, bench.fp32), *(_built(bench, variant) for variant in PLAIN)]
    timed = {trial.variant: trial for trial in measure_cost(bench, built, rounds=1)}
    trials = {FP32: _tried(bench, timed[FP32])}
    for trial in sorted(timed.values(), key=lambda trial: -trial.texts_per_second_per_core):
        if trial.variant != FP32:
            trials[trial.variant] = _judged_if_worth(bench, trial, [*trials.values()])
        if trial.variant == openvino_int8():
            slower = [other.texts_per_second_per_core for name, other in timed.items() if name not in trials]
            trials |= _better_int8(bench, trials, trial, max(slower, default=0.0))
    trials |= _better_int8(bench, trials, timed[openvino_int8()], 0.0)
    return _timed_well(bench, [trials[variant] for variant in (FP32, *PLAIN, *reversed(BETTER_INT8))])


def _built(bench: Workbench, variant: Variant) -> Trial:
    """Build a variant where it can run, or say why not."""
    if variant == OPENVINO_BF16 and not has_bf16():
        return Trial(variant, not_tried="this CPU does not multiply bf16 matrices (avx512_bf16 or amx_bf16)")
    if variant == CUDA_FP16 and CUDA_PROVIDER not in onnxruntime.get_available_providers():
        return Trial(variant, not_tried="this machine's ONNX Runtime has no CUDA device")
    if variant.name not in bench.request.settings.variants:
        return Trial(variant, not_tried=LEFT_OUT)
    try:
        if variant == OPENVINO_BF16:
            return Trial(variant, bench.fp32)
        bench.tell(f"building {variant.name}")
        return Trial(variant, build_apart(order_of(bench, variant)))
    except ParityError as error:
        return Trial(variant, not_tried=str(error))


def _tried(bench: Workbench, trial: Trial) -> Trial:
    """Judge what could be built and timed."""
    return trial if trial.graph is None else _told(bench, trial)


def _judged_if_worth(bench: Workbench, trial: Trial, trials: list[Trial]) -> Trial:
    if trial.graph is None or bench.request.settings.report == "full":
        return _tried(bench, trial)
    why_not = _no_gain(bench, trial.texts_per_second_per_core, fastest_that_passes(trials))
    return trial.left_out(why_not) if why_not else _told(bench, trial)


def _told(bench: Workbench, trial: Trial) -> Trial:
    """Judge a variant, and say so."""
    bench.tell(f"judging {trial.variant.name}, {trial.texts_per_second_per_core:,.0f} texts a second a core")
    judged = try_variant(bench, trial)
    reasons = [reason for verdict in judged.verdicts.values() for reason in verdict.reasons]
    verdict = "passes" if judged.passes else f"fails: {judged.not_tried or '; '.join(reasons)}"
    bench.tell(f"{trial.variant.name} {verdict}")
    return judged


def _no_gain(bench: Workbench, speed: float, fastest: Trial) -> str | None:
    """Say why a variant of this speed is not worth judging beside the fastest that passes, or None."""
    times, least = speed / fastest.texts_per_second_per_core, bench.request.settings.least_speedup
    if times >= least:
        return None
    return (
        f"it has {times:.2f} times the speed of {fastest.variant.name}, which passes; conversion.least_speedup is "
        f"{least:g}, and `conversion.report: full` judges all"
    )


def _better_int8(bench: Workbench, trials: dict[Variant, Trial], plain: Trial, rival: float) -> dict[Variant, Trial]:
    """Build and judge int8 that is dearer to make, one after the other, where that would pay.

    `rival` is the speed of the fastest plain variant that is still to be judged. What would gain little beside it is
    put off until it is known whether that passes.
    """
    found: dict[Variant, Trial] = {}
    for variant in BETTER_INT8:
        if variant in trials:
            continue
        known = trials | found
        why_not = _why_not(bench, variant, plain, known[plain.variant])
        if why_not is None and bench.request.settings.report != "full":
            if plain.texts_per_second_per_core < bench.request.settings.least_speedup * rival:
                continue
            why_not = _no_gain(bench, plain.texts_per_second_per_core, fastest_that_passes([*known.values()]))
        if why_not is None:
            built = measure_cost(bench, [_built(bench, variant)], rounds=1)[0]
            found[variant] = _tried(bench, built)
        else:
            found[variant] = Trial(variant, not_tried=why_not)
    return found


def _why_not(bench: Workbench, variant: Variant, plain: Trial, judged: Trial) -> str | None:
    """Say why better int8 need not or cannot be tried, or None."""
    if variant.name not in bench.request.settings.variants:
        return LEFT_OUT
    if variant == openvino_int8("-distilled") and not bench.request.settings.distillation_steps:
        return "conversion.distillation_steps is 0"
    if plain.graph is None:
        return f"{plain.variant.name}: {plain.not_tried}"
    if judged.passes:
        return f"{plain.variant.name} passes already"
    limit = bench.request.settings.gate.limits.kendall_tau
    tau = min((figures.kendall_tau or 0.0 for figures in judged.labels.values()), default=limit)
    if tau < limit - LITTLE:
        return f"{plain.variant.name} fails by much: Kendall's tau is {tau:.4f}, and {limit:g} is needed"
    return None


def _timed_well(bench: Workbench, trials: list[Trial]) -> list[Trial]:
    """Time those that pass in turns, where there is a choice."""
    choice = [trial for trial in trials if trial.passes and trial.variant != FP32]
    again = {}
    if len(choice) > 1:
        again = {trial.variant.name: trial for trial in measure_cost(bench, choice, MORE_ROUNDS)}
    return [again.get(trial.variant.name, trial) for trial in trials]
