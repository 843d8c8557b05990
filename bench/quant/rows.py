"""What `make bench-quant` compares: a row of the table per question, with its goal and how alike answers have to be."""

from dataclasses import dataclass

SURFACES = ["equity", "currency", "crypto", "feller_violated"]


@dataclass(frozen=True)
class Row:
    """One question, asked as one task or as several whose mean time counts."""

    title: str
    tasks: list
    # None where no library answers the same question.
    peer: str | None = None
    # How many times the peer's speed it should be, or how many seconds it may take.
    goal_ratio: float | None = None
    goal_seconds: float | None = None
    # Largest difference of an answer, as a share of the peer's answer or of `floor` if that is larger.
    tolerance: float = 1e-9
    floor: float = 0.0
    # Whether answers are held against the parameters that quotes were made from, which a peer may miss.
    has_truth: bool = False


def heston(start, name):
    return Row(
        f"Heston, calibration to 50 quotes, {name}, mean of 4 surfaces",
        [f"heston/{start}/{surface}" for surface in SURFACES],
        "QuantLib",
        goal_ratio=60,
        has_truth=True,
    )


def gradient(surface):
    title = f"Heston, 50 prices with gradients ({surface.replace('_', ' ')}); peer: prices only"
    return Row(title, [f"heston/gradient/{surface}"], "QuantLib", goal_seconds=40e-6, tolerance=1e-6, floor=1)


def indicator(name, title):
    return Row(f"{title}, a million bars", [f"indicator/{name}"], "TA-Lib", goal_ratio=1, tolerance=1e-9)


def weights(name, title, assets, goal):
    peer = "skfolio" if name == "risk_parity" else "PyPortfolioOpt"
    task = f"portfolio/{name}/{assets}"
    return Row(f"{title}, {assets} assets", [task], peer, goal_ratio=goal, tolerance=1e-4, floor=1)


ROWS = [
    heston("near", "near start"),
    heston("flat", "flat start"),
    heston("far", "far start"),
    heston("poor", "poor start"),
    *(gradient(surface) for surface in SURFACES),
    Row("SABR, smile of 15 strikes, far start", ["sabr/far"], "QuantLib", goal_ratio=5, tolerance=1e-6),
    Row("SABR, smile of 15 strikes, near start", ["sabr/near"], "QuantLib", goal_ratio=5, tolerance=1e-6),
    Row("Ornstein-Uhlenbeck, 500 values", ["process/ornstein_uhlenbeck"], "NumPy", goal_ratio=3),
    indicator("rsi", "RSI"),
    indicator("macd", "MACD"),
    indicator("bollinger", "Bollinger bands"),
    indicator("atr", "ATR"),
    indicator("adx", "ADX"),
    Row(
        "All five in one pass; peer: one after another",
        ["indicator/overview"],
        "TA-Lib",
        goal_ratio=2,
        tolerance=1e-9,
    ),
    Row(
        "Random forest, 1 row, 100 trees of depth 10",
        ["forest/row/depth_10"],
        "scikit-learn",
        goal_seconds=3e-6,
        tolerance=1e-12,
    ),
    Row(
        "Random forest, 1 row, 100 trees of full depth",
        ["forest/row/full_depth"],
        "scikit-learn",
        tolerance=1e-12,
    ),
    Row("Random forest, 1,000 rows, depth 10", ["forest/rows/depth_10"], "scikit-learn", tolerance=1e-12),
    Row("Random forest, fit of 5,000 x 50, 100 trees", ["forest/fit"], "scikit-learn", tolerance=0.05),
    weights("minimum_variance", "Minimum variance", 50, 20),
    weights("minimum_variance", "Minimum variance", 500, 5),
    weights("maximum_sharpe", "Maximum Sharpe ratio", 50, None),
    weights("maximum_sharpe", "Maximum Sharpe ratio", 500, None),
    weights("risk_parity", "Risk parity", 50, None),
    weights("risk_parity", "Risk parity", 500, 500),
    weights("hrp_single", "Hierarchical risk parity", 50, None),
    weights("hrp_single", "Hierarchical risk parity", 500, 200),
    Row("Historical VaR and CVaR 99 %, a million returns", ["risk/value_at_risk"], "NumPy", goal_ratio=2),
    Row("Sharpe, Sortino, largest drawdown, a million returns", ["risk/performance"], "NumPy"),
    Row("Ledoit-Wolf, 50 assets, 1,000 days", ["covariance/variance/50"], "scikit-learn"),
    Row("Ledoit-Wolf, 500 assets, 1,000 days", ["covariance/variance/500"], "scikit-learn"),
    Row("GARCH(1,1) with standard errors, 1,000 returns", ["risk/garch"], "arch", tolerance=1e-3),
    Row("Hidden Markov model, 1,000 values, one start", ["regime/fit"], "hmmlearn", tolerance=1e-3),
    Row("VADER, a headline", ["text/vader"], "vaderSentiment", tolerance=1e-12),
    Row("Heston, calibration without a start", [f"heston/none/{surface}" for surface in SURFACES], has_truth=True),
    Row("SABR, smile of 15 strikes, without a start", ["sabr/none"]),
    Row("Black-Scholes, price", ["black_scholes/price"]),
    Row("Black-Scholes, fourteen derivatives", ["black_scholes/greeks"]),
    Row("Black-Scholes, implied volatility", ["black_scholes/implied_volatility"]),
    Row("Ornstein-Uhlenbeck, 500 values, uneven", ["process/ornstein_uhlenbeck_uneven"]),
    Row("Hidden Markov model, filter of a value", ["regime/update"]),
    Row("Frontier of 20 portfolios, 50 assets", ["portfolio/frontier/50"]),
    Row("Frontier of 20 portfolios, 500 assets", ["portfolio/frontier/500"]),
    Row("Recurrent net, a step, 16 inputs, 64 hidden", ["lstm/step"]),
    Row("Words of finance, a headline", ["text/finance"]),
    Row("Anomalies, a tick", ["anomaly/tick"]),
]
