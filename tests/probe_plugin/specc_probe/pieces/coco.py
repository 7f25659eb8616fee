"""Boxes as COCO writes them (Lin et al. 2014; cocodataset.org, format of instances)."""

import json
from pathlib import Path


def read_coco(path: Path) -> list[dict[str, str]]:
    """A row an image: "file" from the folder of the list on, and "objects", its boxes [class, x, y, width, height].

    Boxes of crowds, and empty ones, are left out. Raises ValueError that says which part is missing.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        names = {one["id"]: str(one["name"]) for one in told["categories"]}
        boxes: dict[object, list[object]] = {one["id"]: [] for one in told["images"]}
        for number, one in enumerate(told["annotations"], 1):
            if one["image_id"] not in boxes or one["category_id"] not in names:
                raise ValueError(f"annotation {number} is of an image or a category that is not in the list")
            if not one.get("iscrowd") and min(one["bbox"][2:]) > 0:
                boxes[one["image_id"]].append([names[one["category_id"]], *one["bbox"]])
        return [{"file": str(one["file_name"]), "objects": json.dumps(boxes[one["id"]])} for one in told["images"]]
    except (KeyError, TypeError, IndexError, AttributeError) as fault:
        raise ValueError(f"it is no list of COCO instances: {type(fault).__name__} {fault}") from fault
