"""What a run is about to do: the plan in words, and the configuration with every default filled in."""

from dataclasses import replace

from phalanx.config import PARTS, Config
from phalanx.data.paths import paths_of
from phalanx.experiment import Plan, Settings, plan
from phalanx.kinds.prepared import Prepared
from phalanx.population.precision import at_precision


def make_plan(prepared: Prepared) -> tuple[Plan, Config]:
    """Return the plan of a run, and its configuration with every default filled in.

    Raises `InputError` for a metric, a part, a design or an option that does not fit.
    """
    config, metric = prepared.config, prepared.metric
    space = config.space(prepared.space)
    made = plan(prepared.task, space, Settings.of(config, metric))
    tried = at_precision(space, made.precision)
    resolved = replace(
        config,
        source=absolute(str(config.source)),
        test=absolute(config.test) if isinstance(config.test, str) else config.test,
        metric=metric.name,
        max_rounds=made.max_rounds,
        trials=made.settings.trials,
        refit=made.rule or config.refit,
        **{name: getattr(tried, name) for name in PARTS},
    )
    return made, resolved


def absolute(source: str) -> str:
    """Return a path, or two of them, that stay right from another folder; a bundled name stays as it is."""
    return ",".join(str(path.resolve()) for path in paths_of(source)) or source


def plan_line(made: Plan) -> str:
    """Return the plan in words."""
    networks = f"{made.members:,} network{'s' if made.members > 1 else ''}"
    programs = f"{made.programs} compiled program{'s' if made.programs > 1 else ''}"
    settings = made.settings
    return f"plan: {networks} as {programs}, up to {made.max_rounds} rounds, ranked by {settings.metric.name}"


def compiling(made: Plan) -> str:
    """Return what is shown while programs are compiled."""
    return f"compiling {made.programs} program{'s' if made.programs > 1 else ''}"
