import pytest
import torch

from melanoma.memory import peak_megabytes

CPU = torch.device("cpu")
DEVICES = [CPU, *([torch.device("cuda")] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
def test_a_product_counts_its_result_and_what_is_alive_beside_it(device):
    matrix = torch.ones(1000, 1000, device=device)
    matrix @ matrix  # a GPU's first product makes room to work in, which stays

    def twice():
        first = matrix @ matrix
        second = first @ matrix
        del first
        return second + 0

    assert peak_megabytes(lambda: matrix @ matrix, device) == pytest.approx(4, rel=0.001)
    assert peak_megabytes(twice, device) == pytest.approx(8, rel=0.001)


def test_a_backward_pass_counts_what_it_keeps_for_itself_and_leaves_behind():
    net = torch.nn.Linear(1000, 1000, bias=False)
    data = torch.ones(500, 1000)
    forward = peak_megabytes(lambda: net(data), CPU)
    step = peak_megabytes(lambda: net(data).sum().backward(), CPU)
    assert forward == pytest.approx(2, rel=0.001)
    assert step >= forward + 4  # the gradient is as large as the weights


def test_nothing_is_said_on_stderr(capfd):
    peak_megabytes(lambda: torch.ones(10), CPU)
    assert capfd.readouterr() == ("", "")


def test_a_device_that_counts_nothing_has_no_peak():
    assert peak_megabytes(lambda: pytest.fail("ran in vain"), torch.device("meta")) is None
