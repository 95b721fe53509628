"""Real ROS 2 on loopback, in a domain of this process's own."""

import os

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import rclpy
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher

DEADLINE_S = (
    30.0  # waits end when what is waited for comes; this is for machines with much else to do
)
MOST_LOST = 20
"""Times that a test may destroy what the executor waits for."""
REPEAT_S = 3.0
"""A large message is sent again after this long: one sent at once would replace it under way."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/ros/" in str(item.path):
            item.add_marker(pytest.mark.ros)


class Graph:
    """Nodes that spin in a thread, in a context of their own."""

    def __init__(self) -> None:
        self.context = Context()
        rclpy.init(context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._nodes: list[Node] = []
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        """Spin on when a test destroys what is waited for.

        Tests change the state of nodes from their own thread, which rclpy's executor does not
        survive; processes do it in the executor's thread (``NodeProcess.call``).
        """
        for _ in range(MOST_LOST):
            try:
                return self._executor.spin()
            except InvalidHandle:
                continue
        raise AssertionError(f"entities were destroyed under the executor {MOST_LOST} times")

    def add(self, make: Callable[..., Node], *arguments: object, **options: object) -> Node:
        node = make(*arguments, context=self.context, **options)
        self._nodes.append(node)
        self._executor.add_node(node)
        return node

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        changed = threading.Event()
        while not condition():
            if time.monotonic() > deadline_s:
                pytest.fail(f"{what}: not within {DEADLINE_S} s")
            changed.wait(0.01)

    def send_until(
        self, publisher: Publisher, message: object, condition: Callable[[], object], what: str
    ) -> None:
        """Publish a message, again every few seconds, until a condition holds."""
        sent_s = -float("inf")

        def send_and_look() -> object:
            nonlocal sent_s
            if time.monotonic() - sent_s > REPEAT_S:
                publisher.publish(message)
                sent_s = time.monotonic()
            return condition()

        self.wait_for(send_and_look, what)

    def call(self, node: Node, service_type: type, name: str, request: object) -> object:
        client = node.create_client(service_type, name)
        assert client.wait_for_service(DEADLINE_S), f"no service {name}"
        future = client.call_async(request)
        self.wait_for(future.done, f"answer of {name}")
        node.destroy_client(client)
        return future.result()

    def stop_nodes(self) -> None:
        from mmwave.ros.node import LifecycleNode, take_down

        for node in self._nodes:
            if isinstance(node, LifecycleNode):
                take_down(node)

    def close(self) -> None:
        self.stop_nodes()
        self._executor.shutdown()
        self._thread.join(DEADLINE_S)
        for node in self._nodes:
            node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph() -> Iterator[Graph]:
    graph = Graph()
    yield graph
    graph.close()
