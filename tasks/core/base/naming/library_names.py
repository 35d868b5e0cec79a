"""Names that other libraries give to files and folders."""

# Names that other libraries give.
MLMODEL_FILE = "MLmodel"
REQUIREMENTS_FILE = "requirements.txt"
PYTHON_ENV_FILE = "python_env.yaml"
CONDA_FILE = "conda.yaml"
CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_INDEX_FILE = "model.safetensors.index.json"
PICKLED_WEIGHTS = "pytorch_model*.bin"
ADAPTER_FILE = "adapter_config.json"
HUB_NOTES_FOLDER = ".cache"
"""The hub's client keeps notes of its own in this folder, beside what it fetches."""
TRAINING_ARGUMENTS_FILE = "training_args.bin"
REGISTRATION_FILE = "registered_model_meta"
"""MLflow writes this file into the folder of a model that it downloads."""


def checkpoint_folder(step: int) -> str:
    """Return the name that the Trainer gives to the checkpoint of a step."""
    return f"checkpoint-{step}"
