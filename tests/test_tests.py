"""What tests share has one home: builders and helpers in tests/support, fixtures in its `fixtures` or a conftest."""

import ast
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
SHARED = "tests/support/"
FIXTURES = "tests/support/fixtures/"
BUILT_IN_SUPPORT = {"EngineUse": "engine_uses"}
"""Records that tests do not build by hand, and the builder in tests/support/plans.py that they call instead."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def imported(tree: ast.Module) -> list[tuple[str, str]]:
    """Return the whole name of what a file imports of the tests, each with the module that it is of."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", node.module) for alias in node.names]
    return [(name, module) for name, module in found if name.startswith("tests.")]


def misplaced_imports(path: str, tree: ast.Module) -> list[str]:
    """Return what is wrong with a file's imports of other tests' files."""
    room, found = ".".join(PurePosixPath(path).parent.parts), []
    for name, module in imported(tree):
        if any(part.startswith("test_") or part == "conftest" for part in name.split(".")):
            found.append(f"{path} imports {name}: move it to tests/support, or, a fixture, into a conftest")
        elif not (name.startswith("tests.support.") or room in (module, module.rpartition(".")[0])):
            found.append(f"{path} imports {name} of another room: move it to tests/support")
    return found


def built_by_hand(path: str, tree: ast.Module) -> list[str]:
    """Return which records a file builds though tests/support has a builder of them."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
    return [
        f"{path} calls {name}(: tests.support.plans.{BUILT_IN_SUPPORT[name]} is there for it"
        for name in names
        if name in BUILT_IN_SUPPORT and not path.startswith(SHARED)
    ]


def functions(tree: ast.Module) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def is_fixture(function: Function) -> bool:
    """Say whether a function is decorated as a fixture, with or without arguments."""
    return any(ast.unparse(each).split("(")[0] in ("pytest.fixture", "fixture") for each in function.decorator_list)


def defined(tree: ast.Module) -> set[str]:
    """Return the names of a file's fixtures."""
    return {function.name for function in functions(tree) if is_fixture(function)}


def arguments(function: Function) -> set[str]:
    """Return the arguments of a test or fixture that pytest must find, without those of parametrize and hypothesis."""
    names, provided = [each.arg for each in function.args.args], set()
    for call in (each for each in function.decorator_list if isinstance(each, ast.Call)):
        decorator = ast.unparse(call.func).rpartition(".")[2]
        if decorator == "parametrize":
            words = ast.literal_eval(call.args[0])
            provided |= {word.strip() for word in (words.split(",") if isinstance(words, str) else words)}
        elif decorator == "given":
            provided |= {word.arg for word in call.keywords} | set(names[len(names) - len(call.args) :])
    return set(names) - provided


def asked_for(tree: ast.Module) -> set[str]:
    """Return what a file's tests and fixtures take from fixtures, by argument or by name."""
    tests = [each for each in functions(tree) if is_fixture(each) or each.name.startswith("test_")]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    by_name = [call for call in calls if ast.unparse(call.func).endswith(("usefixtures", "getfixturevalue"))]
    named = {word.value for call in by_name for word in call.args if isinstance(word, ast.Constant)}
    return named.union(*map(arguments, tests))


def in_reach(path: str, fixtures: dict[str, set[str]]) -> set[str]:
    """Return the fixtures that a file finds: its own, those of the conftests above it, and the shared ones."""
    conftests = {f"{folder}/conftest.py" for folder in PurePosixPath(path).parents}
    return set().union(
        *(names for other, names in fixtures.items() if other in {path, *conftests} or other.startswith(FIXTURES))
    )


def misplaced_fixtures(trees: dict[str, ast.Module]) -> list[str]:
    """Return the fixtures of test modules that other files use."""
    fixtures = {path: defined(tree) for path, tree in trees.items()}
    return [
        f"{path} uses the fixture {name} of {owner}: move it into a conftest above both, or into {FIXTURES}"
        for path, tree in trees.items()
        for name in sorted(asked_for(tree) - in_reach(path, fixtures))
        for owner, names in fixtures.items()
        if name in names and PurePosixPath(owner).name.startswith("test_")
    ]


def complaints(sources: dict[str, str]) -> list[str]:
    """Return everything that is not in its home, by name."""
    trees = {path: ast.parse(source) for path, source in sources.items()}
    found = [line for path, tree in trees.items() for line in misplaced_imports(path, tree) + built_by_hand(path, tree)]
    return found + misplaced_fixtures(trees)


def test_what_tests_share_has_one_home():
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 100
    assert complaints({path.relative_to(ROOT).as_posix(): path.read_text() for path in files}) == []


HERE, BESIDE = "tests/core/runs/test_plan.py", "tests/core/runs/test_other.py"
MADE = "import pytest\n@pytest.fixture(scope='module')\ndef made(tmp_path): ..."


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ({HERE: "from tests.core.runs.test_other import begin"}, f"{HERE} imports tests.core.runs.test_other.begin"),
        ({HERE: "def f():\n    from tests.core.runs import test_other"}, f"{HERE} imports tests.core.runs.test_other"),
        ({HERE: "import tests.core.runs.test_other as other"}, f"{HERE} imports tests.core.runs.test_other"),
        ({HERE: "from tests.conftest import free_port"}, f"{HERE} imports tests.conftest.free_port"),
        ({HERE: "from tests.slurm.where import where"}, f"{HERE} imports tests.slurm.where.where of another room"),
        ({HERE: "use = EngineUse('x', 'us.x', '1', 'd', 'f')"}, f"{HERE} calls EngineUse("),
        ({HERE: "use = plan.EngineUse('x', 'us.x', '1', 'd', 'f')"}, f"{HERE} calls EngineUse("),
        ({BESIDE: MADE, HERE: "def test_it(made): ..."}, f"{HERE} uses the fixture made of {BESIDE}"),
        ({BESIDE: MADE, HERE: "@pytest.fixture\ndef two(made): ..."}, f"{HERE} uses the fixture made of {BESIDE}"),
        (
            {BESIDE: MADE, HERE: "@given(st.integers())\ndef test_it(made, n): ..."},
            f"{HERE} uses the fixture made of {BESIDE}",
        ),
        ({BESIDE: MADE, HERE: "mark = pytest.mark.usefixtures('made')"}, f"{HERE} uses the fixture made of {BESIDE}"),
    ],
)
def test_the_rule_catches_a_planted_source(sources, complaint):
    (found,) = complaints(sources)
    assert found.startswith(complaint)


@pytest.mark.parametrize(
    "sources",
    [
        {HERE: "from tests.support.plans import engine_uses\nfrom tests.core.runs.drawn import draw"},
        {"tests/support/plans.py": "EngineUse('x', 'us.x', '1', 'd', 'f')"},
        {BESIDE: MADE, "tests/core/conftest.py": MADE, HERE: "def test_it(made): ..."},
        {BESIDE: MADE, f"{FIXTURES}runs.py": MADE, HERE: "def test_it(made): ..."},
        {BESIDE: MADE, HERE: "@pytest.mark.parametrize(('made', 'b'), [(1, 2)])\ndef test_it(made, b): ..."},
        {BESIDE: MADE, HERE: "@pytest.mark.parametrize('made', [1])\ndef test_it(made): ..."},
        {BESIDE: MADE, HERE: "@given(st.integers())\ndef test_it(tmp_path, made): ..."},
        {BESIDE: MADE, HERE: "@given(made=st.integers())\ndef test_it(made): ..."},
    ],
)
def test_what_is_in_its_home_is_let_through(sources):
    assert complaints(sources) == []
