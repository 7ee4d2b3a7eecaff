"""A Trainer with batches by tokens, exact losses, and resume points that survive a kill."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from tinyglot.architectures import selected_positions
from tinyglot.errors import TrainingDivergedError
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training.batches import EpochDataLoader, LengthGroupedBatches, training_loader
from tinyglot.training.distillation import LogitDistillation
from tinyglot.training.objective import Objective, cross_entropy
from tinyglot.training.parameters import decayed_parameter_names, parameter_groups
from tinyglot.training.resume import (
    cleaned_up_on_failure,
    newest_checkpoint,
    publish_checkpoint,
    staging_directory,
)

_LOSSES = "losses.json"
_STEPS_BETWEEN_CHECKS = 10  # each check waits for the device


class TokenBatchTrainer(Trainer):
    """The Trainer of transformers on ``LengthGroupedBatches``, without its per-step costs.

    The loss is the mean over the labelled tokens of a whole step, whatever the number of
    processes. Embeddings are not decayed. A resume point appears complete or not at all.

    Args:
        model: Trained in place.
        args: As for ``Trainer``; of the resume points only the newest is kept.
        batches: This process's batches of ``train_dataset``.
        head_learning_rate: Highest rate of all that is not the encoder; default: the encoder's.
        labelled_only: Run the head on labelled tokens only, as for masked language modelling.
        distillation: Train towards a teacher's logits too.
        objective: Computes the loss instead of all others.
        **kwargs: As for ``Trainer``.
    """

    def __init__(  # noqa: PLR0913  (each is one part of a training)
        self,
        model: PreTrainedModel,
        args: TrainingArguments,
        *,
        batches: LengthGroupedBatches,
        head_learning_rate: float | None = None,
        labelled_only: bool = False,
        distillation: LogitDistillation | None = None,
        objective: Objective | None = None,
        **kwargs: Any,  # noqa: ANN401  (passed on)
    ) -> None:
        before = dict(vars(model.config))
        loss = distillation.loss if distillation else cross_entropy
        super().__init__(model, args, **{"compute_loss_func": loss, **kwargs})
        vars(model.config).clear()  # the Trainer has set use_cache
        vars(model.config).update(before)
        self.remove_callback(PrinterCallback)  # it prints to standard output
        self.batches = batches
        self._head_learning_rate = head_learning_rate
        self._labelled_only = labelled_only
        self._distillation = distillation
        self._objective = objective
        self._learning_rates: list[float] = []
        self._earlier_losses = np.zeros((0, 2))
        self._losses: list[Tensor] = []
        self._is_saving = False

    def total_steps(self) -> int:
        """Count the steps that training takes from its start.

        Returns:
            ``max_steps`` if it is given, else the batches of all epochs.
        """
        if self.args.max_steps > 0:
            return int(self.args.max_steps)
        return int(self.args.num_train_epochs) * len(self.batches)

    def deciding_callbacks(self) -> list[Any]:
        """List the callbacks that decide the trained weights.

        Returns:
            Those that have ``settings()``, in their order.
        """
        callbacks = self.callback_handler.callbacks
        return [callback for callback in callbacks if hasattr(callback, "settings")]

    def release(self) -> None:
        """Let go of the optimizer, and take autocast and the gradients off the model."""
        self.optimizer = self.lr_scheduler = None
        self.callback_handler.optimizer = self.callback_handler.lr_scheduler = None
        model = cast(nn.Module, self.model)
        for name in ("forward", "_original_forward"):
            vars(model).pop(name, None)
        model.zero_grad(set_to_none=True)

    def get_train_dataloader(self) -> EpochDataLoader:
        """Load this process's batches.

        Returns:
            A loader that is not to be sharded again.
        """
        dataset, collator = cast(Any, self.train_dataset), cast(Any, self.data_collator)
        return training_loader(dataset, self.batches, collator)

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Decay matrices, but no embeddings.

        Args:
            model: The model that is trained.

        Returns:
            Parameter names.
        """
        return decayed_parameter_names(model)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ANN401
        """Make the optimizer that the arguments name, on ``parameter_groups``.

        Args:
            model: What is trained; default: the Trainer's model.

        Returns:
            The Trainer's optimizer.
        """
        if self.optimizer is None:
            model = self.model if model is None else model
            optimizer_class, options = self.get_optimizer_cls_and_kwargs(self.args, model)
            groups = parameter_groups(model, self.args.weight_decay, self._head_learning_rate)
            self.optimizer = optimizer_class(groups, **options)
        return cast(torch.optim.Optimizer, self.optimizer)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Count nothing: it would walk over all parameters in every step.

        Args:
            inputs: One batch.

        Returns:
            0.
        """
        del inputs
        return 0

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Take one step and keep its loss on the device; look at the last few now and then.

        Args:
            model: The wrapped model.
            inputs: One batch.
            num_items_in_batch: Labelled tokens of the step, over all processes.

        Returns:
            The loss.

        Raises:
            TrainingDivergedError: If one of the last losses is infinite or not a number.
        """
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        items = inputs["labels"].ne(IGNORED_LABEL).sum() * self.args.world_size
        divisor = items if num_items_in_batch is None else num_items_in_batch
        sums = [loss * divisor, items.to(loss.device, loss.dtype)]
        self._losses.append(torch.stack(sums))
        self._learning_rates.append(float(self._get_learning_rate()))
        if len(self._losses) % _STEPS_BETWEEN_CHECKS == 0:
            self._sums(len(self._losses) - _STEPS_BETWEEN_CHECKS)
        return loss

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        *args: Any,  # noqa: ANN401  (passed on)
        **kwargs: Any,  # noqa: ANN401  (passed on)
    ) -> Any:  # noqa: ANN401  (as in Trainer)
        """Compute the loss of one batch: with a teacher, or the head on labelled tokens only.

        Args:
            model: The wrapped model.
            inputs: One batch.
            *args: As for ``Trainer``.
            **kwargs: As for ``Trainer``.

        Returns:
            The loss.
        """
        if self._objective is not None:
            return self._loss_of_objective(self._objective, model, inputs, kwargs)
        if self._distillation is not None:
            with self.accelerator.autocast():
                self._distillation.look_at(inputs)
        if not self._labelled_only:
            return super().compute_loss(model, inputs, *args, **kwargs)
        is_labelled = inputs["labels"].ne(IGNORED_LABEL)
        inputs = {**inputs, "labels": inputs["labels"][is_labelled]}
        with selected_positions(cast(PreTrainedModel, self.model), is_labelled):
            return super().compute_loss(model, inputs, *args, **kwargs)

    def _loss_of_objective(
        self,
        objective: Objective,
        model: nn.Module,
        inputs: dict[str, Any],
        options: dict[str, Any],
    ) -> Tensor:
        inputs = dict(inputs)
        labels, num_items = inputs.pop("labels"), options.get("num_items_in_batch")
        with self.accelerator.autocast():
            loss: Tensor = objective.loss(model, inputs, labels, num_items)
        gradients_are_averaged = self.accelerator.num_processes
        return cast(Tensor, loss * gradients_are_averaged)

    def step_losses(self) -> np.ndarray:
        """Gather what every step so far has lost, the steps before a resume included.

        Call it in all processes at once.

        Returns:
            Shape (steps, 2): the sum of the losses of all labelled tokens, and how many these are.

        Raises:
            TrainingDivergedError: If a loss is infinite or not a number.
        """
        return np.concatenate((self._earlier_losses, self._sums(0)))

    def _sums(self, first: int) -> np.ndarray:
        """Gather the losses from some step after the resume on; refuse any that is not finite."""
        if not self._losses[first:]:
            return np.zeros((0, 2))
        gathered = self.accelerator.reduce(torch.stack(self._losses[first:]), "mean")
        sums: np.ndarray = gathered.cpu().double().numpy()
        if not np.isfinite(sums).all():
            place = first + int(np.argmin(np.isfinite(sums).all(axis=1)))
            raise self._diverged(place, f"loss {sums[place - first, 0]}")
        return sums

    def check_weights(self) -> None:
        """Refuse weights of which one is not finite, so that no resume point has them.

        Raises:
            TrainingDivergedError: If there is one.
        """
        is_finite = [parameter.isfinite().all() for parameter in self._parameters()]
        if self._losses and not bool(torch.stack(is_finite).all()):
            raise self._diverged(len(self._losses) - 1, "a weight became infinite or no number")

    def _parameters(self) -> list[nn.Parameter]:
        return [p for p in cast(nn.Module, self.model).parameters() if p.requires_grad]

    def _diverged(self, place: int, got: str) -> TrainingDivergedError:
        step, rate = len(self._earlier_losses) + place + 1, self._learning_rates[place]
        good = newest_checkpoint(self._directory)
        return TrainingDivergedError(
            "Could not go on with the training: the loss is no finite number any more.",
            got=f"{got} in step {step}, at learning rate {rate:g}",
            expected="a finite loss in every step; the last good resume point is "
            + (str(good) if good else "not there: none was written before"),
            fix=f"lower learning_rate (now {self.args.learning_rate:g}), or use precision: fp32",
        )

    # --- resume points -------------------------------------------------------------------------

    @property
    def _directory(self) -> Path:
        return Path(str(self.args.output_dir))

    def _get_output_dir(self, trial: Any) -> str:  # noqa: ANN401  (as in Trainer)
        if self._is_saving:
            return str(staging_directory(self._directory))
        return str(super()._get_output_dir(trial))

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:  # noqa: ANN401
        losses = self.step_losses()
        self.check_weights()
        directory = self._directory
        name = f"checkpoint-{self.state.global_step}"
        self._is_saving = True
        try:
            with cleaned_up_on_failure(directory):
                super()._save_checkpoint(model, trial)
                if self.args.should_save:
                    path = staging_directory(directory) / name / _LOSSES
                    path.write_text(json.dumps(losses.tolist()), encoding="utf-8")
        finally:
            self._is_saving = False
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            publish_checkpoint(directory, name)
        self.accelerator.wait_for_everyone()

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        """Leave out what is frozen: whoever resumes has it."""
        super()._save(output_dir, self._without_frozen() or state_dict)

    def _without_frozen(self) -> dict[str, Tensor] | None:
        model = cast(nn.Module, self.model)
        if all(parameter.requires_grad for parameter in model.parameters()):
            return None
        return {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}

    def _issue_warnings_after_load(self, load_result: Any) -> None:  # noqa: ANN401  (as in Trainer)
        if self._without_frozen() is None:
            super()._issue_warnings_after_load(load_result)

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: nn.Module | None = None
    ) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        text = (Path(resume_from_checkpoint) / _LOSSES).read_text(encoding="utf-8")
        self._earlier_losses = np.array(json.loads(text)).reshape(-1, 2)
