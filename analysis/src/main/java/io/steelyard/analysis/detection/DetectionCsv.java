package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.ScoredBoxes;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Boxes in comma-separated lines, gzipped or plain, with a line of names on top: {@code image},
 * {@code class}, for detections {@code score}, for objects as you like {@code difficult} (1 for
 * ignored ones), and corners {@code xmin}, {@code ymin}, {@code xmax}, {@code ymax} or {@code x},
 * {@code y}, {@code w}, {@code h}. Columns come in any order; others are passed over; there are no
 * quotes.
 *
 * <p>Images are in the order of their file, classes in alphabetical order.
 *
 * <pre>{@code
 * DetectionCsv set = DetectionCsv.read(Path.of("images.csv"), Path.of("ground_truth.csv"));
 * ScoredBoxes raw = set.detections(Path.of("raw.csv.gz"));
 * ScoredBoxes kept = Suppressed.boxes(raw, Decay.gaussian(0.5), SuppressionOptions.defaults());
 * }</pre>
 */
public final class DetectionCsv implements DetectionSet {

  private static final List<String> CORNERS = List.of("xmin", "ymin", "xmax", "ymax");
  private static final List<String> SIZES = List.of("x", "y", "w", "h");

  private final Names images;
  private final Names classes;
  private final AnnotatedImages annotated;

  private DetectionCsv(Names images, Names classes, AnnotatedImages annotated) {
    this.images = images;
    this.classes = classes;
    this.annotated = annotated;
  }

  /** A line with the names of its fields. */
  private record Line(String place, List<String> names, List<String> fields) {

    boolean has(List<String> wanted) {
      return names.containsAll(wanted);
    }

    String field(String name) {
      final int column = names.indexOf(name);
      if (column < 0) {
        throw new IllegalArgumentException(
            place + ": columns are " + names + "; expected one named " + name);
      }
      return fields.get(column);
    }

    double number(String name) {
      return Names.number(place, name, field(name));
    }

    double[] corners() {
      if (has(SIZES) && !has(CORNERS)) {
        final double x = number("x");
        final double y = number("y");
        return new double[] {x, y, x + number("w"), y + number("h")};
      }
      return CORNERS.stream().mapToDouble(this::number).toArray();
    }
  }

  /**
   * Reads images and objects.
   *
   * @param images a file with one line for each image, which names it
   * @param objects a file of objects
   * @throws IllegalArgumentException if a file is damaged
   * @throws java.io.UncheckedIOException if one cannot be read
   */
  public static DetectionCsv read(Path images, Path objects) {
    final List<String> imageNames = new ArrayList<>();
    lines(images, line -> imageNames.add(line.field("image")));
    final List<Line> all = new ArrayList<>();
    lines(objects, all::add);
    final Names imageIds = new Names("image", imageNames);
    final Names classIds =
        new Names("class", all.stream().map(line -> line.field("class")).sorted().toList());
    final BoxTable table = new BoxTable();
    for (final Line line : all) {
      table.add(
          imageIds.id(line.place(), line.field("image")),
          classIds.id(line.place(), line.field("class")),
          0,
          line.has(List.of("difficult")) && line.number("difficult") != 0,
          line.corners());
    }
    return new DetectionCsv(
        imageIds,
        classIds,
        new AnnotatedImages(
            imageIds.list(), classIds.list(), table.objects(), AnnotatedImages.Ignored.DIFFICULT));
  }

  @Override
  public AnnotatedImages annotated() {
    return annotated;
  }

  @Override
  public ScoredBoxes detections(Path file) {
    final BoxTable found = new BoxTable();
    lines(
        file,
        line ->
            found.add(
                images.id(line.place(), line.field("image")),
                classes.id(line.place(), line.field("class")),
                line.number("score"),
                false,
                line.corners()));
    return found.detections();
  }

  private static void lines(Path file, Consumer<Line> action) {
    TextFile.read(
        file,
        text -> {
          lines(file, text, action);
          return file;
        });
  }

  private static void lines(Path file, BufferedReader text, Consumer<Line> action)
      throws IOException {
    final String top = text.readLine();
    if (top == null) {
      throw new IllegalArgumentException(file + " is empty; expected a line of names");
    }
    final List<String> names = fields(top);
    int number = 1;
    for (String line = text.readLine(); line != null; line = text.readLine()) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      final String place = file + ": line " + number;
      final List<String> fields = fields(line);
      if (fields.size() != names.size()) {
        throw new IllegalArgumentException(
            "%s has %d fields; expected %d as in the first line"
                .formatted(place, fields.size(), names.size()));
      }
      action.accept(new Line(place, names, fields));
    }
  }

  private static List<String> fields(String line) {
    return Arrays.stream(line.split(",", -1)).map(String::strip).toList();
  }
}
