"""The Hugging Face hub: which files of a model are read there, and one sentence for each way in which it refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

from taskneurons.errors import InputError

# No pickle, no Python; subfolders and Mistral's consolidated.safetensors hold the same weights once more.
MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")
NOT_FILES = ("*/*", "consolidated*")
NETWORK = "Run this where there is a network"


@contextmanager
def asking(where: str, *, prefetch: str | None = None, offline: str = NETWORK) -> Iterator[None]:
    """Ask the hub; what its client raises becomes one sentence, which shows no token.

    Args:
        where: named in messages.
        prefetch: the command that fetches what is asked for into the local cache; None: there is none.
        offline: what to do where the hub cannot be reached and there is no such command.

    Raises:
        InputError: access is not granted, there is no such repository or revision, or the hub cannot be reached.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise InputError(
            "gated, and access was not granted",
            where=where,
            remedy="Accept its licence on the hub and put your token in the environment variable HF_TOKEN"
            + (f": {prefetch}" if prefetch else ""),
        ) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError):
        raise InputError(
            "no such repository or revision on the hub, or it is private",
            where=where,
            remedy="Check both; a private one needs the environment variable HF_TOKEN",
        ) from None
    except (
        errors.LocalEntryNotFoundError,
        # With OfflineModeIsEnabled.
        ConnectionError,
        TimeoutError,
        # Which library defines it depends on the version of huggingface_hub.
        errors.HTTPError,  # type: ignore[attr-defined]
    ) as error:
        name = type(error).__name__
        if prefetch:
            raise InputError(
                f"the hub cannot be reached ({name}) and the model is not in the local cache",
                where=where,
                remedy=f"Where there is a network: {prefetch} ; then set the environment variable HF_HUB_OFFLINE=1",
            ) from None
        raise InputError(f"the hub cannot be reached ({name})", where=where, remedy=offline) from None
