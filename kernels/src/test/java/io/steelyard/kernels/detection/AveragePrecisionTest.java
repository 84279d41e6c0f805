package io.steelyard.kernels.detection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AveragePrecisionTest {

  private static final double[] FIVE = {
    0, 0, 10, 10, 1, 1, 11, 11, 5, 0, 15, 10, 30, 30, 40, 40, 0, 0, 10, 9
  };

  /** Boxes, scores, classes and images as they are collected. */
  private static final class Table {

    private final List<double[]> corners = new ArrayList<>();
    private final List<Double> scores = new ArrayList<>();
    private final List<Integer> classes = new ArrayList<>();
    private final List<Integer> images = new ArrayList<>();

    Table add(int image, int ofClass, double score, double... box) {
      corners.add(box);
      scores.add(score);
      classes.add(ofClass);
      images.add(image);
      return this;
    }

    ScoredBoxes detections() {
      final int n = scores.size();
      return new ScoredBoxes(
          corners(),
          Tensor.of(scores.stream().mapToDouble(s -> s).toArray(), n),
          Optional.of(ids(classes)),
          Optional.of(ids(images)));
    }

    GroundTruths truths() {
      return GroundTruths.of(corners()).withClasses(ids(classes)).withImages(ids(images));
    }

    private Tensor corners() {
      final double[] flat = corners.stream().flatMapToDouble(Arrays::stream).toArray();
      return Tensor.of(flat, corners.size(), 4);
    }

    private static Tensor ids(List<Integer> ids) {
      return Tensor.of(ids.stream().mapToInt(i -> i).toArray(), ids.size());
    }
  }

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private static double[] box(double[] corners, int i) {
    return Arrays.copyOfRange(corners, 4 * i, 4 * i + 4);
  }

  /** The published example: five boxes in image 0 after suppression, three objects. */
  private static ScoredBoxes suppressed(Decay decay) {
    final Tensor indices = Tensor.zeros(DType.I32, 5);
    final Tensor scores = Tensor.zeros(DType.F64, 5);
    final int kept =
        SoftNms.apply(
            ScoredBoxes.of(Tensor.of(FIVE, 5, 4), Tensor.of(new double[] {.9, .8, .7, .6, .5}, 5)),
            decay,
            SuppressionOptions.defaults(),
            indices,
            scores);
    final Table table = new Table();
    for (int k = 0; k < kept; k++) {
      table.add(0, 0, scores.get(k), box(FIVE, (int) indices.get(k)));
    }
    return table.add(1, 0, .65, 1, 1, 20, 21).add(1, 0, .3, 40, 40, 50, 50).detections();
  }

  private static GroundTruths objects() {
    return new Table()
        .add(0, 0, 0, box(FIVE, 0))
        .add(0, 0, 0, box(FIVE, 2))
        .add(0, 0, 0, box(FIVE, 3))
        .add(1, 0, 0, 0, 0, 20, 20)
        .truths();
  }

  @Test
  void givesThePublishedExample() {
    final CocoAp.Figures hard = CocoAp.evaluate(suppressed(Decay.hard(.3)), objects(), 100);
    assertThat(hard.ap()).isCloseTo(.6864686469, within(1e-10));
    for (int t = 0; t < 10; t++) {
      assertThat(hard.apByIou().get(t)).isCloseTo(t < 8 ? .7524752475 : .4224422442, within(1e-10));
    }
    for (final Decay soft : List.of(Decay.linear(.3), Decay.gaussian(.5))) {
      final CocoAp.Figures figures = CocoAp.evaluate(suppressed(soft), objects(), 100);
      assertThat(figures.ap()).as("%s", soft).isCloseTo(.9257425743, within(1e-10));
      assertThat(figures.apByIou().get(8)).isCloseTo(.6287128713, within(1e-10));
      for (final VocAp.Interpolation rule : VocAp.Interpolation.values()) {
        assertThat(voc(suppressed(soft), objects(), rule)).isCloseTo(1, within(1e-15));
      }
    }
    assertThat(voc(suppressed(Decay.hard(.3)), objects(), VocAp.Interpolation.AREA))
        .isCloseTo(.75, within(1e-15));
    assertThat(voc(suppressed(Decay.hard(.3)), objects(), VocAp.Interpolation.ELEVEN_POINT))
        .isCloseTo(.7272727273, within(1e-10));
  }

  private static double voc(ScoredBoxes found, GroundTruths objects, VocAp.Interpolation rule) {
    return VocAp.evaluate(found, objects, new VocAp.Options(.5, rule, BoxConvention.PIXEL)).ap();
  }

  @ParameterizedTest
  @ValueSource(longs = {41, 42, 43})
  void wrongDetectionsAtTheEndAndAnotherScaleOfScoresChangeNothing(long seed) {
    final RandomGenerator random = random(seed);
    final Table objects = new Table();
    final Table found = new Table();
    final Table more = new Table();
    final Table scaled = new Table();
    for (int i = 0; i < 60; i++) {
      final double x = random.nextDouble(300);
      final double y = random.nextDouble(300);
      final int image = random.nextInt(5);
      final int ofClass = random.nextInt(3);
      objects.add(image, ofClass, 0, x, y, x + 60, y + 60);
      final double shift = random.nextDouble(25);
      final double score = random.nextDouble(.5, 1);
      for (final Table table : List.of(found, more)) {
        table.add(image, ofClass, score, x + shift, y, x + 60, y + 60);
      }
      scaled.add(image, ofClass, score / 8, x + shift, y, x + 60, y + 60);
    }
    for (int i = 0; i < 60; i++) {
      more.add(i % 5, i % 3, .01, 1000 + i, 1000, 1001 + i, 1001);
    }
    final double[] expected = CocoAp.evaluate(found.detections(), objects.truths(), 100).summary();
    assertThat(expected[0]).as("seed %d", seed).isBetween(.05, .95);
    assertThat(CocoAp.evaluate(more.detections(), objects.truths(), 100).summary())
        .as("seed %d", seed)
        .containsExactly(expected);
    assertThat(CocoAp.evaluate(scaled.detections(), objects.truths(), 100).summary())
        .as("seed %d", seed)
        .containsExactly(expected);
    final VocAp.Options options = VocAp.Options.defaults();
    final VocAp.Figures voc = VocAp.evaluate(found.detections(), objects.truths(), options);
    assertThat(VocAp.evaluate(more.detections(), objects.truths(), options)).isEqualTo(voc);
    assertThat(VocAp.evaluate(scaled.detections(), objects.truths(), options)).isEqualTo(voc);
  }

  @Test
  void cocoTakesTheNextBestObjectAndVocDoesNot() {
    final GroundTruths objects =
        new Table().add(0, 0, 0, 0, 0, 100, 90).add(0, 0, 0, 0, 0, 100, 120).truths();
    final ScoredBoxes found =
        new Table().add(0, 0, .75, 0, 0, 100, 100).add(0, 0, .5, 0, 0, 100, 90).detections();
    assertThat(CocoAp.evaluate(found, objects, 100).ap50()).isCloseTo(1, within(1e-15));
    assertThat(voc(found, objects, VocAp.Interpolation.AREA)).isCloseTo(.5, within(1e-15));
  }

  @Test
  void nanIsTheLowestScoreAndOverlapsNothing() {
    final GroundTruths objects =
        new Table().add(0, 0, 0, 0, 0, 8, 8).add(0, 0, 0, 20, 0, 28, 8).truths();
    final ScoredBoxes found =
        new Table()
            .add(0, 0, Double.NaN, 20, 0, 28, 8)
            .add(0, 0, .5, 0, 0, 8, 8)
            .add(0, 0, .25, Double.NaN, 0, 8, 8)
            .detections();
    // Right, wrong, right: precision 1 up to recall 1/2, then 2/3.
    assertThat(CocoAp.evaluate(found, objects, 100).ap50())
        .isCloseTo((51 + 50 * 2 / 3.0) / 101, within(1e-14));
    assertThat(voc(found, objects, VocAp.Interpolation.AREA)).isCloseTo(5 / 6.0, within(1e-15));
  }

  @Test
  void givesTheFiguresOfPycocotools() throws IOException {
    final Path folder = data("coco100-eval");
    final Table found = new Table();
    for (final JsonElement element :
        json(folder.resolve("fakebbox100_results.json")).getAsJsonArray()) {
      final JsonObject entry = element.getAsJsonObject();
      found.add(
          entry.get("image_id").getAsInt(),
          entry.get("category_id").getAsInt(),
          entry.get("score").getAsDouble(),
          corners(entry));
    }
    final Table objects = new Table();
    final List<Double> areas = new ArrayList<>();
    for (final JsonElement element :
        json(folder.resolve("gt100.json")).getAsJsonObject().getAsJsonArray("annotations")) {
      final JsonObject entry = element.getAsJsonObject();
      objects.add(
          entry.get("image_id").getAsInt(), entry.get("category_id").getAsInt(), 0, corners(entry));
      areas.add(entry.get("area").getAsDouble());
    }
    final GroundTruths truths =
        objects
            .truths()
            .withAreas(Tensor.of(areas.stream().mapToDouble(a -> a).toArray(), areas.size()));
    assertThat(CocoAp.evaluate(found.detections(), truths, 100).summary())
        .containsExactly(
            new double[] {
              .503647, .696973, .571667, .593252, .557991, .489363, .386813, .593680, .595353,
              .654764, .603130, .553744
            },
            within(5e-7));
  }

  @Test
  void suppressionOfRealDetectionsGivesTheFiguresComputedForThem() throws IOException {
    final Path folder = data("voc100-detections");
    final List<String> names = new ArrayList<>();
    final List<String> classes = new ArrayList<>();
    final Table objects = new Table();
    for (final String[] row : rows(folder.resolve("ground_truth.csv"))) {
      objects.add(
          id(names, row[0]),
          id(classes, row[1]),
          0,
          Double.parseDouble(row[3]),
          Double.parseDouble(row[4]),
          Double.parseDouble(row[5]),
          Double.parseDouble(row[6]));
    }
    final Table raw = new Table();
    for (final String[] row : rows(folder.resolve("raw_xl_320.csv.gz"))) {
      raw.add(
          id(names, row[0]),
          id(classes, row[1]),
          Double.parseDouble(row[2]),
          Double.parseDouble(row[3]),
          Double.parseDouble(row[4]),
          Double.parseDouble(row[5]),
          Double.parseDouble(row[6]));
    }
    // Object corners as the file has them: the figures were computed so.
    final ScoredBoxes boxes = raw.detections();
    final GroundTruths truths = objects.truths();
    assertThat(CocoAp.evaluate(boxes, truths, 100).ap()).isCloseTo(.2231, within(5e-5));
    assertThat(ap(boxes, Decay.hard(.45), truths)).isCloseTo(.3797, within(5e-5));
    assertThat(ap(boxes, Decay.linear(.45), truths)).isCloseTo(.3922, within(5e-5));
    assertThat(ap(boxes, Decay.gaussian(.5), truths)).isCloseTo(.3915, within(5e-5));
  }

  private static double ap(ScoredBoxes raw, Decay decay, GroundTruths truths) {
    return CocoAp.evaluate(after(raw, decay), truths, 100).ap();
  }

  /** What suppression in single precision leaves. */
  private static ScoredBoxes after(ScoredBoxes raw, Decay decay) {
    final int n = raw.count();
    final Tensor corners = raw.corners().to(DType.F32);
    final Tensor indices = Tensor.zeros(DType.I32, n);
    final Tensor scores = Tensor.zeros(DType.F32, n);
    final int kept =
        SoftNms.apply(
            new ScoredBoxes(corners, raw.scores().to(DType.F32), raw.classes(), raw.images()),
            decay,
            SuppressionOptions.defaults(),
            indices,
            scores);
    final Table table = new Table();
    for (int k = 0; k < kept; k++) {
      final int i = (int) indices.get(k);
      table.add(
          (int) raw.images().orElseThrow().get(i),
          (int) raw.classes().orElseThrow().get(i),
          scores.get(k),
          raw.corners().get(i, 0),
          raw.corners().get(i, 1),
          raw.corners().get(i, 2),
          raw.corners().get(i, 3));
    }
    return table.detections();
  }

  private static Path data(String name) {
    final String root = System.getenv("STEELYARD_DATA");
    assumeTrue(root != null && !root.isBlank(), "STEELYARD_DATA is not set");
    final Path folder = Path.of(root, name);
    assumeTrue(Files.isDirectory(folder), "STEELYARD_DATA has no " + name);
    return folder;
  }

  private static JsonElement json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file));
  }

  private static double[] corners(JsonObject entry) {
    final JsonArray box = entry.getAsJsonArray("bbox");
    final double x = box.get(0).getAsDouble();
    final double y = box.get(1).getAsDouble();
    return new double[] {x, y, x + box.get(2).getAsDouble(), y + box.get(3).getAsDouble()};
  }

  private static List<String[]> rows(Path file) throws IOException {
    try (var bytes = Files.newInputStream(file);
        var plain = file.toString().endsWith(".gz") ? new GZIPInputStream(bytes) : bytes;
        var reader = new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8))) {
      return reader.lines().skip(1).map(line -> line.split(",", -1)).toList();
    }
  }

  private static int id(List<String> known, String name) {
    if (!known.contains(name)) {
      known.add(name);
    }
    return known.indexOf(name);
  }

  @Test
  void errorsNameTheArgumentItsValueAndWhatWasExpected() {
    final GroundTruths objects = GroundTruths.of(Tensor.of(new double[4], 1, 4));
    final ScoredBoxes found =
        ScoredBoxes.of(Tensor.of(new float[4], 1, 4), Tensor.of(new float[1], 1));
    assertThatThrownBy(() -> CocoAp.evaluate(found, objects, 0))
        .hasMessage("maxDetections is 0; expected 1 or more");
    assertThatThrownBy(() -> CocoAp.evaluate(found, objects, 1))
        .hasMessage("truth-boxes is f64[1, 4]; expected f32 like boxes");
    assertThatThrownBy(() -> objects.withAreas(Tensor.of(new double[2], 2)))
        .hasMessage("truth-areas is f64[2]; expected f64[1], one area for each object");
    assertThatThrownBy(() -> objects.withIgnored(Tensor.of(new int[1], 1)))
        .hasMessage("ignored is i32[1]; expected bool[1], one flag for each object");
    assertThatThrownBy(() -> new VocAp.Options(2, VocAp.Interpolation.AREA, BoxConvention.PIXEL))
        .hasMessage("iouThreshold is 2.0; expected a number in [0, 1]");
  }
}
