"""Rows of codes, as estimators take them."""

import json

import numpy as np

from phalanx.kinds.codes.encoder import CodeEncoder, code_rows


def test_the_encoder_survives_json():
    rows = code_rows([[3, 1, 4], [1, 5]])
    encoder = CodeEncoder.fit(rows)
    again = CodeEncoder.from_plain(json.loads(json.dumps(encoder.to_plain())))
    assert again == encoder
    np.testing.assert_array_equal(again.transform(rows), [[4, 2, 5], [2, 6, 0]])
