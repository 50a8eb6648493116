"""The identity sampler: P labels a batch, K images of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metric_face.arrays import Ints

from .checks import whole
from .epoch_batches import epoch_batches
from .handed_over import refuse_batches_of_batches
from .labels import check_same_groups, encode
from .policies import Balance, Coverage, Policies, Singletons
from .quotas import Quota
from .ranks import rank_and_world
from .sampler_report import SamplerReport, report_on
from .sampler_state import check_consumed, check_state
from .sampling_plan import make_sampling_plan

_CHUNK = 4096  # batches turned into Python lists at a time: fast, and little memory


class RandomIdentitySampler:
    """A batch sampler that yields num_identities labels with num_instances images each, with tested guarantees.

    Give it to a `DataLoader` as ``batch_sampler=``; as ``sampler=`` it is refused when the epoch begins.

    Args:
        labels: (N,) the label of each image: integers, strings, an array, a tensor or a pandas column. Pass
            the very column that the triplet loss gets. For a `Subset`, pass the labels of its images.
        num_identities: P, labels a batch.
        num_instances: K, images of each label, at least 2.
        spread: (N,) the identity on each image, where the label is a class: the K images of a label then
            come from K different identities where that many exist.
        coverage: "images": every image at least once an epoch. "identities": every label as often as
            any other, give or take one draw (an epoch is whole batches), which is shorter, with images drawn at random.
        singletons: what to do with a label of one image: "pad" repeats it (a negative for others; a loss must
            not take it as its own positive), "drop" leaves the label out, "raise" refuses.
        balance: how often labels come: "proportional" as their images need (the default), "sqrt" as the root
            of their images, "uniform" all alike, give or take one draw (the default, and the only one,
            with coverage="identities"). With coverage="images" the label that needs the most sets the length.
        quotas: what every batch must hold of an attribute; see `Quota`.
        num_batches: a longer epoch than the shortest that keeps all promises, or, with a balance other than
            "proportional", a shorter one that is balanced as far as coverage allows.
        seed: hashed together with the epoch.
        rank: this process among all `world_size`; by default what torch.distributed reports when the epoch
            starts, so a sampler made before the process group is correct too.

    Raises:
        ArgumentError: a promise cannot be kept; the message has the numbers.

    Guarantees, each with the test that proves it (N images, P x K a batch, W ranks):

    - I1, I2, I3: every batch holds exactly P labels, each exactly K times, and indices in [0, N)
      (``test_i01_i02_i03_every_batch_is_p_by_k``).
    - I4: a label of n images shows min(n, K) different ones; padding repeats them evenly
      (``test_i04_distinct_images_come_first``).
    - I5: labels of one image are padded, dropped or refused, as asked, and counted
      (``test_i05_singletons_are_padded_dropped_or_refused``).
    - I6: an epoch shows every image, or every label as often as any other, give or take one
      (``test_i06_every_image_is_seen_and_reuse_is_even``, ``test_i06_every_identity_is_seen_equally_often``).
    - I7: what is dropped is listed, and all else is drawn sooner or later
      (``test_i07_what_is_left_out_is_listed_and_nothing_else_is_unreachable``).
    - I8: `len` equals the number of batches yielded (``test_i08_len_is_what_is_yielded``,
      ``test_i08_len_of_a_data_loader``).
    - I9: the plan depends on the arguments alone: not on global random states, which it leaves alone, hash
      seed, kind of label, workers or earlier passes
      (``test_i09_the_plan_leaves_global_random_states_alone_and_ignores_them``,
      ``test_i09_the_plan_does_not_depend_on_the_kind_of_labels``,
      ``test_i09_the_plan_does_not_depend_on_the_hash_seed``, ``test_i09_workers_change_nothing``).
    - I10: no two pairs of seed and epoch share a plan (``test_i10_seed_and_epoch_are_mixed``).
    - I11: ranks share the one plan, disjoint and equally long, without communication; at most W - 1 further batches
      make up the length (``test_i11_ranks_share_the_plan``, ``test_i11_two_gloo_ranks``).
    - I12: calling `set_epoch` twice has the effect of one call; a second pass without it is the next epoch
      (``test_i12_set_epoch_is_idempotent``, ``test_i12_a_second_pass_advances``).
    - I13: a resumed epoch equals an uninterrupted one, batch for batch (``test_i13_resumed_is_uninterrupted``,
      ``test_i13_resume_behind_workers_counts_what_was_consumed``,
      ``test_i13_a_training_interrupted_inside_an_epoch_sees_the_plan``).
    - I14: impossible arguments are refused at construction, with their numbers
      (``test_i14_refusals_name_the_numbers``).
    - I15: O(N log N) time and O(N) memory (``test_i15_cost_grows_with_n_log_n_and_memory_with_n``).
    - I16: labels come as often as `balance` asks (``test_i16_labels_come_as_often_as_balance_says``).
    - I17: the label mix is the same all along the epoch (``test_i17_no_drift_at_49_to_1``).
    - I18: with `spread`, a label's K images are of K identities (``test_i18_k_images_of_a_label_are_of_k_identities``).
    - I19: `require_labels` refuses a loss on another column (``test_i19_another_column_is_refused``).
    - I20: labels are copied, samplers pickled, tables taken by position (``test_i20_labels_are_copied``,
      ``test_i20_pickled_and_copied_samplers_yield_the_same``,
      ``test_i20_filtered_tables_are_taken_by_position``).
    - I21: `audit_batches` checks all this on what a loader yields
      (``test_i21_our_sampler_is_clean_on_the_shapes_that_broke_others``).
    - I22: the pairs of labels that share a batch are mixed within an epoch and between epochs
      (``test_i22_co_occurrence_is_random``, ``test_i22_co_occurrence_changes_from_epoch_to_epoch``).

    The sampler shards itself. With Lightning, pass ``Trainer(use_distributed_sampler=False)``: it stops otherwise.
    To resume in the middle of an epoch, save ``state_dict(consumed=batches trained on in this epoch)``:
    workers prefetch, so what the loader has drawn is more than what the model has seen. Then
    ``load_state_dict``, and the next iteration yields what is left. `len` remains that of a whole epoch.
    """

    def __init__(
        self,
        labels: Any,
        num_identities: int,
        num_instances: int,
        *,
        spread: Any = None,
        coverage: Coverage = "images",
        singletons: Singletons = "pad",
        balance: Balance | None = None,
        quotas: Quota | Sequence[Quota] = (),
        num_batches: int | None = None,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        codes, names = encode(labels)
        quotas = (quotas,) if isinstance(quotas, Quota) else tuple(quotas)
        policies = Policies.checked(num_identities, num_instances, coverage, singletons, balance)
        self._plan = make_sampling_plan(
            codes, names, policies, spread=spread, quotas=quotas, num_batches=num_batches
        )
        self._codes = codes
        self.num_identities, self.num_instances = policies.num_identities, policies.num_instances
        self.coverage: Coverage = policies.coverage
        self.seed = whole("seed", seed, 0)
        self.rank, self.world_size = rank, world_size
        rank_and_world(rank, world_size)  # refuse at construction, not when the epoch starts
        self.epoch = 0
        self._start = 0  # batches of this epoch that were consumed before a restart
        self._begun = False
        self._yielded = 0
        self._fingerprint: str | None = None

    def __repr__(self) -> str:
        return (
            f"RandomIdentitySampler({self.num_identities} x {self.num_instances}, {self._codes.size} images)"
        )

    @property
    def sampler(self) -> "RandomIdentitySampler":
        """Itself: Lightning calls `set_epoch` on the batch sampler's `sampler`, and nowhere else."""
        return self

    def __len__(self) -> int:
        """Batches that one rank yields in a whole epoch."""
        _, world = rank_and_world(self.rank, self.world_size)
        return -(-self._plan.batches // world)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this rank's batches; a further pass without `set_epoch` is the next epoch."""
        refuse_batches_of_batches(self)
        return self._batches()

    def _batches(self) -> Iterator[list[int]]:
        # A generator: a loader may make an iterator and never use it, and that must change nothing.
        if self._begun:
            self.epoch += 1
            self._start = 0
        self._begun = True
        start, self._yielded = self._start, self._start
        mine = self.epoch_batches()[rank_and_world(self.rank, self.world_size)[0] :: self._world][start:]
        for first in range(0, len(mine), _CHUNK):
            for batch in mine[first : first + _CHUNK].tolist():
                self._yielded += 1
                yield batch

    @property
    def _world(self) -> int:
        return rank_and_world(self.rank, self.world_size)[1]

    def epoch_batches(self, epoch: int | None = None) -> Ints:
        """The batches of all ranks, (batches, P * K): rank r yields every W-th, from the r-th on.

        Where the epoch's batches cannot be shared equally, at most W - 1 more stand at the end; those
        before are the same for any number of ranks. The epoch is by default the sampler's own.
        """
        extra = -self._plan.batches % self._world
        return epoch_batches(self._plan, self.seed, self.epoch if epoch is None else epoch, extra)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields; a second call with the same one changes nothing."""
        epoch = whole("epoch", epoch, 0)
        if epoch != self.epoch or self._begun:
            self._start = 0
        self.epoch = epoch
        self._begun = False

    def state_dict(self, consumed: int | None = None) -> dict[str, Any]:
        """What `load_state_dict` needs to go on after the batches consumed so far.

        Args:
            consumed: batches of the running epoch that this rank trained on. By default the batches handed
                out, which is right without workers and inside torchdata's `StatefulDataLoader`; behind a plain
                DataLoader with workers it would count batches that were only prefetched.
        """
        position = self._yielded if self._begun else self._start
        if consumed is not None:
            position = check_consumed(consumed, len(self))
        return {
            "seed": self.seed,
            "epoch": self.epoch,
            "consumed": position * self._world,
            "settings": self._settings(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken; the next iteration yields the rest of that epoch.

        Raises:
            ArgumentError: the state is of a sampler with other labels or settings, or of a number of
                processes that does not divide what was consumed.
        """
        consumed = check_state(state, self._settings(), self._world)
        self.seed, self.epoch, self._start = int(state["seed"]), int(state["epoch"]), consumed
        if self._start >= len(self):  # nothing is left of that epoch
            self.epoch, self._start = self.epoch + 1, 0
        self._begun, self._yielded = False, self._start

    def require_labels(self, labels: Any, name: str = "labels") -> None:
        """Refuse a column that groups the images otherwise than the sampler's own labels.

        A triplet loss on another column than the sampler's finds no positives, or wrong ones.

        Args:
            labels: (N,) the column that the loss will get.
            name: what to call it in the message.

        Raises:
            ArgumentError: another number of images, or two images that share a label here and not there.
        """
        check_same_groups(self._codes, labels, name)

    def report(self, attributes: Mapping[str, Any] | None = None) -> SamplerReport:
        """What an epoch holds and what it leaves out, counted on the plan of the present epoch.

        Args:
            attributes: (N,) columns by name; the report lists which vary within a label.
        """
        return report_on(self._plan, self.epoch_batches(), self._codes, attributes or {})

    def _settings(self) -> dict[str, Any]:
        """What must agree for a state to mean the same batches."""
        if self._fingerprint is None:
            self._fingerprint = self._plan.fingerprint()
        return {
            "num_identities": self.num_identities,
            "num_instances": self.num_instances,
            "num_batches": self._plan.batches,
            "coverage": self.coverage,
            "labels and policies": self._fingerprint,
        }
