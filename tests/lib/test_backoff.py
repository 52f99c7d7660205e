from lib.backoff import ExponentialBackoff


def test_delays_double_up_to_the_longest_each_in_its_upper_half() -> None:
    backoff = ExponentialBackoff(0.2, 3)
    for longest in (0.2, 0.4, 0.8, 1.6, 3, 3):
        assert longest / 2 <= backoff.next_delay() <= longest


def test_after_a_reset_delays_begin_with_the_shortest() -> None:
    backoff = ExponentialBackoff(0.2, 3)
    for _ in range(5):
        backoff.next_delay()
    backoff.reset()
    assert backoff.next_delay() <= 0.2
