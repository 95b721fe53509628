"""Makes average_precision.json: boxes drawn at random, and what pycocotools 2.0.11 says of them.

    pip install pycocotools==2.0.11
    python test/data/make_average_precision.py

Scores have one decimal and edges are whole numbers, so that there are ties. True boxes that are to
be ignored get an area beyond the largest that the evaluation counts.
"""

import json
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

IMAGES, KINDS = 8, 2
MOST = [1, 3, 100]


def drawn(generator):
    images = []
    for _ in range(IMAGES * KINDS):
        low = generator.integers(0, 60, (generator.integers(0, 6), 2))
        true = np.hstack([low, low + generator.integers(4, 30, low.shape)])
        again = np.repeat(true, generator.integers(0, 3, len(true)), axis=0)
        again = again + generator.integers(-2, 3, again.shape)
        stray = generator.integers(0, 60, (generator.integers(0, 3), 2))
        found = np.vstack([again, np.hstack([stray, stray + 12])])
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        images.append(
            {
                "true": true.tolist(),
                "ignored": (generator.random(len(true)) < 0.2).tolist(),
                "found": found.tolist(),
                "scores": generator.random(len(found)).round(1).tolist(),
            }
        )
    return [images[kind::KINDS] for kind in range(KINDS)]


def corner_and_size(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def evaluated(kinds):
    true, found = [], []
    for kind, images in enumerate(kinds):
        for number, one in enumerate(images):
            where = {"image_id": number, "category_id": kind}
            for box, ignored in zip(one["true"], one["ignored"], strict=True):
                area = 1e12 if ignored else 100.0
                true.append({**where, "bbox": corner_and_size(box), "area": area, "iscrowd": 0})
            for box, score in zip(one["found"], one["scores"], strict=True):
                found.append({**where, "bbox": corner_and_size(box), "score": score})
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": number} for number in range(IMAGES)],
        "categories": [{"id": kind} for kind in range(KINDS)],
        "annotations": [{**one, "id": number + 1} for number, one in enumerate(true)],
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
    evaluation.params.maxDets = MOST
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval


if __name__ == "__main__":
    kinds = drawn(np.random.default_rng(2014))
    result = evaluated(kinds)
    precision = result["precision"][:, :, :, 0, -1].mean(axis=1)  # (threshold, kind)
    recall = result["recall"][:, :, 0]  # (threshold, kind, most)
    content = {
        "kinds": kinds,
        "most": MOST,
        "average_precision": precision.T.tolist(),
        "recall": recall.transpose(1, 2, 0).tolist(),
    }
    path = Path(__file__).with_name("average_precision.json")
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
