"""The peers' side of `make bench-quant`: the same tasks as the example `speed`, by other libraries.

`peers.py prepare DIR` adds to the inputs what comes from a peer: scikit-learn's forests. `peers.py measure DIR` reads
names of tasks, a line each, and prints a line of JSON for each: `{"task", "seconds_median", "seconds_best", "answer"}`.
Libraries are imported when they are first asked for, and what a task needs is set up before its time is taken.
"""

import functools
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

# As in stopwatch.rs, and like there of the processor's time.
SAMPLE_SECONDS = 50e-6
TASK_SECONDS = 0.25
SAMPLES_MIN = 3
SAMPLES_MAX = 2001
# Calls that take longer are made once.
SLOW_SECONDS = 1.0

SAMPLED = [1_000, 1_001, 123_456, 500_000, 777_777, 999_999]
DAYS_PER_YEAR = 252
TURNS = 100


class Inputs:
    """The directory that `speed inputs` wrote."""

    def __init__(self, directory):
        self.directory = Path(directory)

    def numbers(self, name):
        return np.fromfile(self.directory / f"{name}.f64", dtype="<f8")

    def matrix(self, name, columns):
        return self.numbers(name).reshape(-1, columns)

    def json(self, name):
        return json.loads((self.directory / f"{name}.json").read_text())


def heston_parts(problem):
    """QuantLib's curves and spot for a problem."""
    import QuantLib as ql

    today = ql.Date(2, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    curve = lambda rate: ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual365Fixed()))
    return ql, curve(problem["rate"]), curve(problem["dividend"])


def heston_model(problem, values):
    ql, rates, dividends = heston_parts(problem)
    v0, kappa, theta, sigma, rho = values
    spot = ql.QuoteHandle(ql.SimpleQuote(problem["spot"]))
    model = ql.HestonModel(ql.HestonProcess(rates, dividends, spot, v0, kappa, theta, sigma, rho))
    return model, ql.AnalyticHestonEngine(model, 64)


def heston_problem(inputs, name):
    return next(problem for problem in inputs.json("heston") if problem["name"] == name)


def heston_calibration(inputs, start, name):
    problem = heston_problem(inputs, name)
    ql, rates, dividends = heston_parts(problem)
    quote = lambda volatility: ql.QuoteHandle(ql.SimpleQuote(volatility))
    helpers = [
        ql.HestonModelHelper(
            ql.Period(option["days"], ql.Days), ql.NullCalendar(), problem["spot"], option["strike"],
            quote(option["volatility"]), rates, dividends, ql.BlackCalibrationHelper.ImpliedVolError,
        )
        for option in problem["options"]
    ]

    def set_up():
        model, engine = heston_model(problem, problem["starts"][start])
        for helper in helpers:
            helper.setPricingEngine(engine)
        return model

    def calibrate(model):
        try:
            model.calibrate(helpers, ql.LevenbergMarquardt(1e-8, 1e-8, 1e-8), ql.EndCriteria(500, 50, 1e-8, 1e-8, 1e-8))
        except RuntimeError:
            return []
        theta, kappa, sigma, rho, v0 = model.params()
        return [v0, kappa, theta, sigma, rho]

    return calibrate, set_up


def heston_prices(inputs, name):
    problem = heston_problem(inputs, name)
    ql, _, _ = heston_parts(problem)
    _, engine = heston_model(problem, problem["truth"])
    today = ql.Settings.instance().evaluationDate
    options = []
    for option in problem["options"]:
        kind = ql.Option.Call if option["is_call"] else ql.Option.Put
        exercise = ql.EuropeanExercise(today + option["days"])
        options.append(ql.VanillaOption(ql.PlainVanillaPayoff(kind, option["strike"]), exercise))
        options[-1].setPricingEngine(engine)

    def price():
        for option in options:
            option.recalculate()
        return [option.NPV() for option in options]

    return price


def sabr(inputs, start):
    import QuantLib as ql

    smile = inputs.json("sabr")
    strikes, volatilities = ql.Array(smile["strikes"]), ql.Array(smile["volatilities"])
    alpha, nu, rho = smile[start]

    def fit():
        # Beta is given; quotes weigh the same, as in ours.
        fit = ql.SABRInterpolation(
            strikes, volatilities, smile["expiry_years"], smile["forward"], alpha, smile["beta"], nu, rho,
            False, True, False, False, False,
        )
        return [fit.alpha(), fit.nu(), fit.rho()]

    return fit


def ornstein_uhlenbeck(inputs):
    series = inputs.numbers("reverting")
    step = 1 / DAYS_PER_YEAR

    def fit():
        before, after = series[:-1], series[1:]
        mean_before, mean_after = before.mean(), after.mean()
        centred = before - mean_before
        phi = centred @ (after - mean_after) / (centred @ centred)
        mean = (mean_after - phi * mean_before) / (1 - phi)
        residual = after - mean - phi * (before - mean)
        kappa = -np.log(phi) / step
        sigma = np.sqrt(residual @ residual / len(residual) * 2 * kappa / (1 - phi * phi))
        return [kappa, mean, sigma]

    return fit


def value_at_risk(inputs):
    returns = inputs.numbers("returns")
    position = 0.01 * (len(returns) - 1)
    lower = int(position)

    def tail():
        parted = np.partition(returns, lower + 1)
        quantile = parted[lower] + (position - lower) * (parted[lower + 1] - parted[lower])
        return [-quantile, -parted[: lower + 1].mean()]

    return tail


def performance(inputs):
    returns = inputs.numbers("returns")

    def measure():
        mean = returns.mean()
        sharpe = mean / returns.std(ddof=1) * np.sqrt(DAYS_PER_YEAR)
        losses = np.minimum(returns, 0)
        sortino = mean / np.sqrt(losses @ losses / len(losses)) * np.sqrt(DAYS_PER_YEAR)
        equity = np.cumprod(1 + returns)
        peak = np.maximum(np.maximum.accumulate(equity), 1)
        return [sharpe, sortino, np.min(equity / peak - 1)]

    return measure


def garch(inputs):
    from arch import arch_model

    returns = inputs.numbers("clustered")

    def fit():
        fitted = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, rescale=False).fit(disp="off")
        fitted.param_cov
        return [*fitted.params, fitted.loglikelihood]

    return fit


def regimes(inputs):
    from hmmlearn.hmm import GaussianHMM

    observations = inputs.numbers("regimes")[:, None]

    def fit():
        model = GaussianHMM(2, n_iter=1000, tol=1e-6, covars_prior=1e-12, min_covar=1e-10, random_state=0)
        model.fit(observations)
        order = np.argsort(model.covars_[:, 0, 0])
        return [model.monitor_.history[-1], *model.means_[order, 0], *model.covars_[order, 0, 0]]

    return fit


def indicator(inputs, name):
    import talib

    high, low, close = (inputs.numbers(column) for column in ("high", "low", "close"))
    work = {
        "rsi": lambda: [talib.RSI(close, 14)],
        "macd": lambda: talib.MACD(close, 12, 26, 9),
        "bollinger": lambda: talib.BBANDS(close, 20, 2.0, 2.0),
        "atr": lambda: [talib.ATR(high, low, close, 14)],
        "adx": lambda: [talib.ADX(high, low, close, 14)],
    }
    work["overview"] = lambda: [column for part in list(work)[:5] for column in work[part]()]
    return lambda: np.concatenate([column[SAMPLED] for column in work[name]()])


def asset_moments(inputs, assets):
    returns = inputs.matrix(f"assets_{assets}", assets)
    return returns.mean(axis=0) * DAYS_PER_YEAR, np.cov(returns, rowvar=False) * DAYS_PER_YEAR


def mean_variance(inputs, objective, assets):
    from pypfopt import EfficientFrontier

    means, covariance = asset_moments(inputs, assets)

    def optimise():
        frontier = EfficientFrontier(means, covariance)
        weights = frontier.min_volatility() if objective == "minimum_variance" else frontier.max_sharpe(0.02)
        return list(weights.values())

    return optimise


def risk_parity(inputs, assets):
    from skfolio import RiskMeasure
    from skfolio.moments import BaseCovariance
    from skfolio.optimization import RiskBudgeting
    from skfolio.prior import EmpiricalPrior

    class Given(BaseCovariance):
        """The covariance that is there already: ours is given it too."""

        def fit(self, X, y=None):
            self.covariance_ = covariance
            return self

    returns, covariance = inputs.matrix(f"assets_{assets}", assets), asset_moments(inputs, assets)[1]
    prior = EmpiricalPrior(covariance_estimator=Given())
    return lambda: RiskBudgeting(risk_measure=RiskMeasure.VARIANCE, prior_estimator=prior).fit(returns).weights_


def hierarchical(inputs, method, assets):
    import pandas as pd
    from pypfopt import HRPOpt

    covariance = pd.DataFrame(asset_moments(inputs, assets)[1])

    def optimise():
        weights = HRPOpt(cov_matrix=covariance).optimize(linkage_method=method)
        return [weights[asset] for asset in covariance.columns]

    return optimise


def ledoit_wolf(inputs, assets):
    from sklearn.covariance import ledoit_wolf

    returns = inputs.matrix(f"assets_{assets}", assets)

    def shrink():
        covariance, shrinkage = ledoit_wolf(returns)
        return [shrinkage, *covariance[0]]

    return shrink


def new_forest(depth):
    from sklearn.ensemble import RandomForestClassifier

    depth_max = 10 if depth == "depth_10" else None
    return RandomForestClassifier(100, max_depth=depth_max, n_jobs=1, random_state=0)


@functools.cache
def grown_forest(inputs, depth):
    return new_forest(depth).fit(*training(inputs))


def training(inputs):
    return inputs.matrix("training_features", 50), inputs.numbers("training_classes").astype(int)


def forest_row(inputs, depth):
    forest = grown_forest(inputs, depth)
    rows = inputs.matrix("test_features", 50)
    return lambda: [forest.predict_proba(rows[row : row + 1])[0, 1] for row in range(TURNS)]


def forest_rows(inputs, depth):
    forest = grown_forest(inputs, depth)
    rows = inputs.matrix("test_features", 50)
    return lambda: forest.predict_proba(rows)[:TURNS, 1]


def forest_fit(inputs):
    features, classes = training(inputs)
    rows, wanted = inputs.matrix("test_features", 50), inputs.numbers("test_classes")
    fit = lambda: new_forest("full_depth").fit(features, classes)
    return fit, None, lambda forest: [np.mean(forest.predict(rows) == wanted)]


def vader(inputs):
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser, headlines = SentimentIntensityAnalyzer(), inputs.json("headlines")
    return lambda: [analyser.polarity_scores(headline)["compound"] for headline in headlines]


def found(inputs, task):
    """The work of a task, what has to be made anew before each call, and how the answer is read from what it gives."""
    area, *names = task.split("/")
    if area == "heston" and names[0] != "gradient":
        return heston_calibration(inputs, *names)
    makers = {
        "heston": lambda: heston_prices(inputs, names[-1]),
        "sabr": lambda: sabr(inputs, *names),
        "process": lambda: ornstein_uhlenbeck(inputs),
        "indicator": lambda: indicator(inputs, *names),
        "regime": lambda: regimes(inputs),
        "covariance": lambda: ledoit_wolf(inputs, int(names[-1])),
        "text": lambda: vader(inputs),
        "risk": lambda: {"value_at_risk": value_at_risk, "performance": performance, "garch": garch}[names[0]](inputs),
        "forest": lambda: {"row": forest_row, "rows": forest_rows, "fit": forest_fit}[names[0]](inputs, *names[1:]),
        "portfolio": lambda: portfolio(inputs, names[0], int(names[1])),
    }
    return makers[area]()


def portfolio(inputs, name, assets):
    if name == "risk_parity":
        return risk_parity(inputs, assets)
    if name.startswith("hrp_"):
        return hierarchical(inputs, name.removeprefix("hrp_"), assets)
    return mean_variance(inputs, name, assets)


# Of one call of these tasks that many answers are asked.
COUNTS = {"forest/row/depth_10": TURNS, "forest/row/full_depth": TURNS, "text/vader": 8}


def measure(inputs, task):
    """The line of a task."""
    work = found(inputs, task)
    work, set_up, read = (*work, None, None)[:3] if isinstance(work, tuple) else (work, None, None)

    def timed(calls):
        arguments = [set_up()] if set_up else []
        start = time.process_time()
        for _ in range(calls):
            answer = work(*arguments)
        return (time.process_time() - start) / calls, answer

    once, answer = timed(1)
    if once < SLOW_SECONDS:
        once, answer = timed(1)
    times, begin = [once] if once >= SLOW_SECONDS else [], time.perf_counter()
    # What is made anew serves for one call.
    calls = 1 if set_up else max(1, int(np.ceil(SAMPLE_SECONDS / once)))
    while once < SLOW_SECONDS and (
        len(times) < SAMPLES_MIN or len(times) < SAMPLES_MAX and time.perf_counter() - begin < TASK_SECONDS
    ):
        seconds, answer = timed(calls)
        times.append(seconds)
    times = np.sort(times) / COUNTS.get(task, 1)
    answer = read(answer) if read else answer
    return {
        "task": task,
        "seconds_median": times[len(times) // 2],
        "seconds_best": times[0],
        "answer": [float(value) for value in answer],
    }


def prepare(inputs):
    """Writes the forests that both sides ask."""
    for depth in ("depth_10", "full_depth"):
        forest = grown_forest(inputs, depth)
        trees = [
            {
                "left": tree.children_left.tolist(),
                "right": tree.children_right.tolist(),
                "feature": tree.feature.tolist(),
                "threshold": tree.threshold.tolist(),
                "value": tree.value[:, 0, :].tolist(),
            }
            for tree in (grown.tree_ for grown in forest.estimators_)
        ]
        (inputs.directory / f"forest_{depth}.json").write_text(json.dumps({"trees": trees}))


def main():
    warnings.filterwarnings("ignore")
    match sys.argv[1:]:
        case ["prepare", directory]:
            prepare(Inputs(directory))
        case ["measure", directory]:
            inputs = Inputs(directory)
            for line in sys.stdin:
                print(json.dumps(measure(inputs, line.strip())), flush=True)
        case _:
            sys.exit("usage: peers.py prepare DIR | peers.py measure DIR < TASKS")


if __name__ == "__main__":
    main()
