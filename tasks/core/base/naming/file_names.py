"""Files and folders of a study, a conversion, a screening, an evaluation and a labelling batch."""

# An engine model's folder.
ENGINE_FILE = "engine.json"
ONNX_FILE = "model.onnx"
FP32_FILE = "fp32.onnx"
CANARIES_FILE = "canaries.json"
PARITY_FILE = "parity.json"

# An evaluation's folder.
CALIBRATION_FILE = "calibration.json"
EVALUATION_FILE = "evaluation.json"
CURVE_TABLE = "precision_by_rank.md"

# A screen's folder, and what a screening leaves in the run folder.
SCREEN_FILE = "screen.json"
SCREEN_WEIGHTS_FILE = "screen.safetensors"
CERTIFICATE_FILE = "certificate.json"
SCREENING_FOLDER = "screening"
SCREEN_FOLDER = "screen"
DRAWN_FOLDER = "drawn"
DRAWS = "draws"
"""The run that scores a screening's draws has this run name, and its sample this name."""

CODE_FILE = "code/winnow.zip"
"""Winnow's own code lies here, so that the model loads where Winnow is not installed."""
REPORT_FOLDER = "report"
BEGAN_FILE = ".began"
"""An empty file of this name says by its time when the conversion began that the folder is of."""
MIXED_GRAPH = "mixed.onnx"

# A finished seed, trial or pretraining.
RESULT_FILE = "result.json"
CARD_FILE = "winnow.json"
PREDICTIONS_FILE = "predictions.parquet"
TEST_PREDICTIONS_FILE = "test_predictions.txt"
TRACKING_LOCK = ".tracking.lock"
CORPUS_FILE = "corpus.json"
TRAINING_TOKENS_FILE = "training.tokens"
HELDOUT_TOKENS_FILE = "heldout.tokens"
WHOLE_FILE = "winnow-whole"
"""A file of this name stands in a checkpoint that was saved to its end, and holds its files' checksums."""

# Rounds beside each other.
COMPARISON_FILE = "comparison.json"
COMPARISON_TABLE = "comparison.md"
COMPARISON_SHEET = "comparison.csv"
COMPARISON_PICTURES = ("comparison.svg", "comparison.png")
COMPARED_BY_NAME = 4
"""The folder of a comparison of more rounds is not called after all of them."""

# What MLflow runs hold.
SELECTION_FILE = "selection.json"
SEARCH_FILE = "search.json"
DATA_REPORT_FILE = "data_report.json"
SEARCH_TABLE = "search.md"
SEEDS_TABLE = "seeds.md"
PARITY_TABLE = "parity.md"
STUDENTS_TABLE = "students.md"
JUDGEMENTS_FILE = "judgements.json"
SEEDS_PICTURE = "seeds.png"
CURVES_PICTURE = "learning_curves.png"
REPORT_PAGE = "report.html"
PUBLICATION_TABLE = "publication.md"
SELECTED_TAG = "selected"
"""The run of a seed says by this tag whether it was selected: yes, tied or no."""

# What a pretraining keeps while it runs.
PACKED_FOLDER = "packed"
ASIDE_FOLDER = "aside"
START_FOLDER = "start"
CHECKPOINTS_FOLDER = "checkpoints"
CHECKPOINT_FOLDER = "checkpoint"
TOKENIZER_FOLDER = "tokenizer"
FINISHED_FOLDER = "finished"

TRIALS_FOLDER = "trials"
"""A study keeps the trials of its search in this folder."""

# A labelling batch's folder, with what came back; and a snapshot of labels.
BATCH_FILE = "batch.json"
DRAWS_FILE = "draws.parquet"
BATCH_TEXTS_FILE = "texts.parquet"
ANSWERS_FILE = "answers.parquet"
CONTROL_ANSWERS_FILE = "controls.parquet"
DECIDED_FILE = "decided.parquet"
IMPORTS_FILE = "imports.json"
IMPORT_LOCK = ".import.lock"
SNAPSHOT_LOCK = ".snapshot.lock"
SHEET_PAGE = "sheet_page.html"
RANKED_PAGE = "ranked_page.html"
SNAPSHOT_FILE = "snapshot.json"
SNAPSHOT_LABELS_FILE = "labels.parquet"

UNTRAINED_FOLDER = "winnow-untrained"
"""The graph of an untrained model lies in a folder whose name begins so while it is tried."""

CONVERTED_FOLDER = "_converted"
"""A sample's text files are kept as Parquet in this folder, beside the sample."""
