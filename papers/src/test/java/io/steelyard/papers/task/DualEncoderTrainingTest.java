package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import io.steelyard.analysis.multilabel.SparseRows;
import io.steelyard.layers.engine.Libtorch;
import io.steelyard.layers.tensor.ParameterFiles;
import io.steelyard.layers.training.GradientCache;
import io.steelyard.layers.training.Optimizer;
import io.steelyard.layers.training.Schedule;
import io.steelyard.layers.training.Step;
import io.steelyard.layers.training.Training;
import io.steelyard.layers.training.TrainingOptions;
import io.steelyard.papers.task.DualEncoderTraining.Positives;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DualEncoderTrainingTest {

  private static final TextEncoder.Size SIZE = new TextEncoder.Size(8, 1, 2, 16, 8);
  private static final int VOCABULARY = 20;

  private static RetrievalSchedule schedule(int chunk, long scores) {
    return new RetrievalSchedule(2, 8, 0.01, 0.01, 0.05, chunk, scores);
  }

  private static TextEncoder encoder(NDManager manager, DataType type) {
    final TextEncoder encoder = new TextEncoder(VOCABULARY, SIZE, true, new Random(1));
    encoder.initialize(manager, type, new Shape(1, 4));
    // BERT's initial weights are so small that all texts are about the same to it.
    ParameterFiles.named(encoder).values().stream()
        .map(Parameter::getArray)
        .filter(array -> array.getShape().dimension() == 2)
        .forEach(array -> array.muli(25));
    return encoder;
  }

  private static List<int[]> texts(int count, int seed) {
    final Random random = new Random(seed);
    return Stream.generate(
            () ->
                IntStream.concat(IntStream.of(2), random.ints(1 + random.nextInt(5), 4, VOCABULARY))
                    .toArray())
        .limit(count)
        .toList();
  }

  /** Nine labels, ten queries to train of which the first has none, six to test. */
  private static TextRetrieval data(List<int[]> dropped) {
    final List<int[]> train = new ArrayList<>(List.of(new int[0]));
    final List<int[]> test = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      train.add(i % 3 == 0 ? IntStream.range(0, 7).toArray() : new int[] {i, (i + 4) % 9});
    }
    for (int i = 0; i < 6; i++) {
      test.add(i == 1 ? new int[0] : new int[] {i});
    }
    return new TextRetrieval(
        "made up",
        texts(9, 1),
        new TextRetrieval.Queries(texts(10, 2), SparseRows.ofColumns(train, 9)),
        new TextRetrieval.Queries(texts(6, 3), SparseRows.ofColumns(test, 9)),
        SparseRows.ofColumns(dropped, 9));
  }

  private static TextRetrieval data() {
    return data(Stream.generate(() -> new int[0]).limit(6).toList());
  }

  @ParameterizedTest
  @EnumSource
  void cachedGradientsAreThoseOfTheLossItself(RetrievalLoss loss) {
    final TextRetrieval data = data();
    final Positives positives =
        Positives.of(
            Arrays.stream(data.train().labelled())
                .mapToObj(data.train().labels()::columns)
                .toList(),
            9,
            loss,
            new Random(5));
    final TrainingOptions options =
        TrainingOptions.seeded(1).with(Optimizer.sgd(0)).withLearningRate(0.1).as(DataType.FLOAT64);
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray queries =
          TextRetrieval.padded(data.train().texts(), data.train().labelled(), manager);
      final NDArray labels =
          TextRetrieval.padded(data.labels(), IntStream.range(0, 9).toArray(), manager);
      final TextEncoder one = encoder(manager, DataType.FLOAT64);
      final TextEncoder other = encoder(manager, DataType.FLOAT64);
      try (Training direct = new Training(one, options);
          Training cached = new Training(other, options)) {
        final Step expected =
            direct.step(
                pass ->
                    DualEncoderTraining.terms(positives, loss, schedule(100, 1000))
                        .getFirst()
                        .apply(
                            new NDList(
                                pass.forward(one, queries).head(),
                                pass.forward(one, labels).head())));
        final List<Function<NDList, NDArray>> terms =
            DualEncoderTraining.terms(positives, loss, schedule(4, 20));
        assertThat(terms).as("two queries of nine scores at a time").hasSize(5);
        final Step found =
            cached.step(
                GradientCache.parts(
                    List.of(
                        new GradientCache.Side(other, queries, 4),
                        new GradientCache.Side(other, labels, 4)),
                    terms));
        assertThat(expected.gradientNorm()).isGreaterThan(0.1);
        assertThat(found.loss()).isCloseTo(expected.loss(), within(1e-10));
        assertThat(found.gradientNorm()).isCloseTo(expected.gradientNorm(), within(1e-9));
        assertThat(cached.predict(queries, 9).toDoubleArray())
            .containsExactly(direct.predict(queries, 9).toDoubleArray(), within(1e-9));
      }
    }
  }

  @Test
  void positivesAreDrawnUniformlyWithoutReplacement() {
    final int[] all = {3, 5, 8, 11, 12, 20, 21};
    final int[] one = new int[22];
    final int[] five = new int[22];
    final Random random = new Random(2);
    for (int i = 0; i < 7000; i++) {
      final int[] drawn = RetrievalLoss.DECOUPLED.drawn(all, random);
      assertThat(drawn).hasSize(1);
      one[drawn[0]]++;
      final int[] several = RetrievalLoss.TOP_5.drawn(all, random);
      assertThat(several).hasSize(5).doesNotHaveDuplicates();
      Arrays.stream(several).forEach(label -> five[label]++);
    }
    for (final int label : all) {
      // Six standard deviations of a binomial count.
      assertThat(one[label]).isBetween(1000 - 176, 1000 + 176);
      assertThat(five[label]).isBetween(5000 - 227, 5000 + 227);
    }
    assertThat(Arrays.stream(one).sum()).isEqualTo(7000);
    assertThat(RetrievalLoss.TOP_5.drawn(new int[] {4, 9}, random)).containsExactly(4, 9);
    assertThat(RetrievalLoss.INFO_NCE.drawn(all, random)).containsExactly(all);
  }

  @Test
  void positivesThatAreNotDrawnAreNeitherPositivesNorNegatives() {
    try (NDManager manager = Libtorch.newManager()) {
      final NDArray query = manager.create(new double[] {0.05}, new Shape(1, 1));
      final NDArray labels = manager.create(new double[] {1, 9, 0.5, -1}, new Shape(4, 1));
      final Positives positives =
          new Positives(
              SparseRows.ofColumns(List.of(new int[] {0, 1}), 4),
              SparseRows.ofColumns(List.of(new int[] {0}), 4));
      final double loss =
          DualEncoderTraining.terms(positives, RetrievalLoss.DECOUPLED, schedule(1, 100))
              .getFirst()
              .apply(new NDList(query, labels))
              .getDouble();
      // 1 against 0.5 and -1; not against 9.
      assertThat(loss).isCloseTo(Math.log1p(Math.exp(-0.5) + Math.exp(-2)), within(1e-12));
    }
  }

  @Test
  void theRateWarmsUpOverATenthAndEndsAtZero() {
    final Schedule rates = schedule(4, 100).rates(100);
    assertThat(rates.rate(0)).isZero();
    assertThat(rates.rate(5)).isCloseTo(0.005, within(1e-15));
    assertThat(rates.rate(10)).isCloseTo(0.01, within(1e-15));
    assertThat(rates.rate(55)).isCloseTo(0.005, within(1e-15));
    assertThat(rates.rate(99)).isCloseTo(0.01 / 90, within(1e-15));
    assertThat(rates.rate(100)).isZero();
    assertThat(schedule(4, 100).rates(2).rate(0)).as("too few to warm up").isEqualTo(0.01);
  }

  private static int[][] retrieved(TextRetrieval data, int depth) {
    try (NDManager manager = Libtorch.newManager();
        DualEncoderTraining training =
            new DualEncoderTraining(
                data,
                encoder(manager, DataType.FLOAT32),
                RetrievalLoss.TOP_5,
                schedule(4, 100),
                7,
                Device.cpu())) {
      training.epoch();
      return training.retrieve(depth);
    }
  }

  @Test
  void droppedPairsAreNotRetrieved() {
    final int[][] all = retrieved(data(), 9);
    assertThat(all).as("queries with labels").hasDimensions(5, 9);
    for (final int[] ranked : all) {
      assertThat(ranked).containsExactlyInAnyOrder(IntStream.range(0, 9).toArray());
    }
    final List<int[]> dropped = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      dropped.add(i == 2 ? new int[] {all[1][0], all[1][2]} : new int[0]);
    }
    final int[][] kept = retrieved(data(dropped), 4);
    assertThat(kept[0]).containsExactly(Arrays.copyOf(all[0], 4));
    assertThat(kept[1])
        .as("test query 2 is the second that has a label")
        .containsExactly(all[1][1], all[1][3], all[1][4], all[1][5]);
    assertThat(retrieved(data(dropped), 9)[1]).endsWith(all[1][8], -1, -1);
  }

  @Test
  void runsAreRepeatableAndStepsOfALossDependOnTheSeed() {
    assertThat(retrieved(data(), 5)).isDeepEqualTo(retrieved(data(), 5));
  }

  @Test
  void whatCannotBeIsNamed() {
    final TextRetrieval some = data();
    final TextRetrieval none =
        new TextRetrieval(
            "none",
            some.labels(),
            new TextRetrieval.Queries(
                List.of(new int[] {2, 3}), SparseRows.ofColumns(List.of(new int[0]), 9)),
            some.test(),
            some.dropped());
    try (NDManager manager = Libtorch.newManager()) {
      final TextEncoder encoder = encoder(manager, DataType.FLOAT32);
      assertThatThrownBy(
              () ->
                  new DualEncoderTraining(
                      none, encoder, RetrievalLoss.DECOUPLED, schedule(4, 100), 7, Device.cpu()))
          .hasMessage("train has 1 queries without labels; expected some with");
    }
    assertThatThrownBy(() -> schedule(0, 100)).hasMessage("chunk is 0; expected 1 or more");
    assertThatThrownBy(() -> new RetrievalSchedule(1, 1, 1, 0, 0, 1, 1))
        .hasMessage("temperature is 0.0; expected a number above 0");
  }
}
