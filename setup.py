"""One source of truth for both builds: ``colcon`` (ament_python) and ``pip``."""

import xml.etree.ElementTree as ElementTree
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "panoradar_ros"
manifest = ElementTree.parse(Path(__file__).with_name("package.xml")).getroot()

NODES = ("capture", "motor", "imaging", "recognition", "robot", "emulator", "viewer")

setup(
    name=PACKAGE,
    version=manifest.findtext("version"),
    description=manifest.findtext("description"),
    license=manifest.findtext("license"),
    packages=find_packages(include=["mmwave*", "panoradar_ros*", "rexo_ros*", "mmanomaly_ros*"]),
    package_data={"": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/launch", sorted(glob("launch/*.launch.py"))),
        (f"share/{PACKAGE}/config", sorted(glob("config/*.*"))),
        (f"share/{PACKAGE}/urdf", sorted(glob("urdf/*.xacro"))),
        (f"share/{PACKAGE}/models", sorted(glob("models/*.*"))),
    ],
    python_requires=">=3.11",
    install_requires=[
        "setuptools",
        "numpy>=1.26,<3",
        "scipy>=1.11",
        "numba>=0.60",
        "threadpoolctl>=3",
        "pyserial>=3.5",
        "pyyaml>=6",
        "xwr>=0.5",
        "opencv-python-headless>=4.8",
        "rosbags>=0.11",
        "psutil>=5.9",
        "tqdm>=4.66",
    ],
    extras_require={
        # ROS 2 Jazzy from PyPI, for machines without a ROS distribution
        "ros": [
            "ros-jazzy-rclpy[fastrtps]",
            "ros-jazzy-sensor-msgs",
            "ros-jazzy-nav-msgs",
            "ros-jazzy-visualization-msgs",
            "ros-jazzy-diagnostic-msgs",
            "ros-jazzy-std-srvs",
        ],
        "sim": ["embreex>=2.17.7"],
        "viewer": ["rerun-sdk>=0.41"],
        "gpu": ["cupy-cuda13x"],
        # ONNX Runtime in one of two builds that exclude each other
        "learned": ["onnxruntime>=1.20", "scikit-image>=0.22"],
        "train": [
            "torch>=2.6",
            "diffusers>=0.35",
            "onnx>=1.16",
            "onnxruntime>=1.20",
            "scikit-image>=0.22",
        ],
        # several machines simulate frames together
        "cluster": ["distributed>=2024.8"],
        "test": [
            "pytest>=9",
            "pytest-timeout>=2",
            "pytest-xdist>=3",
            "hypothesis>=6",
            "xacro>=2",
            "websocket-client>=1",
        ],
        "lint": ["ruff>=0.6", "mypy>=1.11", "types-pyyaml", "types-tqdm", "types-psutil"],
    },
    entry_points={
        "console_scripts": [
            f"panoradar = {PACKAGE}.cli:main",
            *(f"{node}_node = {PACKAGE}.nodes.{node}:main" for node in NODES),
            "people_node = rexo_ros.nodes.people:main",
            "people_viewer_node = rexo_ros.nodes.people_viewer:main",
            "room_emulator_node = rexo_ros.nodes.emulator:main",
            "anomaly_node = mmanomaly_ros.nodes.anomaly:main",
            "anomaly_viewer_node = mmanomaly_ros.nodes.anomaly_viewer:main",
            "scene_emulator_node = mmanomaly_ros.nodes.emulator:main",
        ],
    },
    zip_safe=False,
)
