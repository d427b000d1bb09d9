"""McNemar's exact test: do two runs differ in the questions on which just one of them is right?"""


def mcnemar_exact_p(first_only: int, second_only: int) -> float:
    """Two-sided p, 0 to 1, of ``first_only`` questions that one run alone answers right and ``second_only`` the other.

    Under the null hypothesis each of the n = first_only + second_only is a fair coin's throw, so p is twice the
    binomial probability of at most the smaller count, at most 1; exact for every n, 1 where n is 0 (McNemar 1947).
    """
    n = first_only + second_only
    ways = tail = 1  # ways: of k heads in n throws; whole numbers, so that nothing is rounded before the end
    for k in range(min(first_only, second_only)):
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return float(min(1.0, 2 * tail / 2**n))
