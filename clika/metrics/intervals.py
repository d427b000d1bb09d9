"""95 % intervals for shares."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

Z = 1.959963984540054  # the standard normal's 97.5 % point


def wilson_interval(successes: npt.NDArray[np.int64], trials: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Wilson's score interval of a share, 0 to 1; NaN where there are no trials (Wilson 1927)."""
    n = np.where(trials > 0, trials, np.nan).astype(np.float64)
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
