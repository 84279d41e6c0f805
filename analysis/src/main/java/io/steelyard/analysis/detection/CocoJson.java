package io.steelyard.analysis.detection;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import io.steelyard.kernels.detection.ScoredBoxes;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * COCO's JSON: an instances file with {@code images}, {@code categories} and {@code annotations},
 * and results files, arrays of {@code {image_id, category_id, bbox: [x, y, width, height], score}}.
 *
 * <p>Images and classes are in the order of their ids, as in pycocotools, where that decides
 * between equal scores. Crowds are ignored objects; an annotation without {@code area} has that of
 * its box. Everything else in the files is passed over. Files are read as a stream: memory is that
 * of the boxes.
 *
 * <pre>{@code
 * CocoJson coco = CocoJson.read(Path.of("instances_val2017.json"));
 * ScoredBoxes found = coco.detections(Path.of("results.json"));
 * double ap = CocoAp.evaluate(found, coco.annotated().cocoObjects(), 100).ap();
 * }</pre>
 */
public final class CocoJson implements DetectionSet {

  /** By number where ids are numbers, which come first. */
  private static final Comparator<String> BY_ID =
      Comparator.comparingInt((String id) -> id.matches("\\d+") ? 0 : 1)
          .thenComparingInt(id -> id.matches("\\d+") ? id.length() : 0)
          .thenComparing(Comparator.naturalOrder());

  private final Names images;
  private final Names categories;
  private final AnnotatedImages annotated;

  private CocoJson(Names images, Names categories, AnnotatedImages annotated) {
    this.images = images;
    this.categories = categories;
    this.annotated = annotated;
  }

  /** A box as it stands in a file; what is missing is NaN or empty. */
  private static final class Entry {

    private String image = "";
    private String category = "";
    private double[] box = new double[0];
    private double score = Double.NaN;
    private boolean scored;
    private Optional<Double> area = Optional.empty();
    private boolean crowd;
  }

  /**
   * Reads an instances file.
   *
   * @throws IllegalArgumentException if it is damaged
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public static CocoJson read(Path instances) {
    final List<String> imageIds = new ArrayList<>();
    final Map<String, String> categoryNames = new HashMap<>();
    final List<Entry> annotations = new ArrayList<>();
    parse(
        instances,
        json -> {
          json.beginObject();
          while (json.hasNext()) {
            switch (json.nextName()) {
              case "images" -> each(json, () -> imageIds.add(named(json, "id").getFirst()));
              case "categories" ->
                  each(
                      json,
                      () -> {
                        final List<String> both = named(json, "id", "name");
                        categoryNames.put(both.getFirst(), both.getLast());
                      });
              case "annotations" -> each(json, () -> annotations.add(entry(json)));
              default -> json.skipValue();
            }
          }
          json.endObject();
        });
    final Names images = new Names("image_id", imageIds.stream().sorted(BY_ID).toList());
    final Names categories =
        new Names("category_id", categoryNames.keySet().stream().sorted(BY_ID).toList());
    final BoxTable objects = new BoxTable();
    for (int i = 0; i < annotations.size(); i++) {
      final String place = instances + ": annotation " + i;
      final Entry entry = annotations.get(i);
      final double[] box = corners(place, entry);
      objects.add(
          images.id(place, entry.image),
          categories.id(place, entry.category),
          entry.area.orElse(entry.box[2] * entry.box[3]),
          entry.crowd,
          box);
    }
    return new CocoJson(
        images,
        categories,
        new AnnotatedImages(
            images.list(),
            categories.list().stream().map(categoryNames::get).toList(),
            objects.objectsWithAreas(),
            AnnotatedImages.Ignored.CROWDS));
  }

  @Override
  public AnnotatedImages annotated() {
    return annotated;
  }

  @Override
  public ScoredBoxes detections(Path file) {
    final BoxTable found = new BoxTable();
    final int[] count = {0};
    parse(
        file,
        json ->
            each(
                json,
                () -> {
                  final String place = file + ": detection " + count[0]++;
                  final Entry entry = entry(json);
                  if (!entry.scored) {
                    throw new IllegalArgumentException(place + " has no score; expected a number");
                  }
                  found.add(
                      images.id(place, entry.image),
                      categories.id(place, entry.category),
                      entry.score,
                      false,
                      corners(place, entry));
                }));
    return found.detections();
  }

  private static double[] corners(String place, Entry entry) {
    if (entry.box.length != 4) {
      throw new IllegalArgumentException(
          place
              + " has a bbox of "
              + entry.box.length
              + " numbers; expected four, x, y, width, height");
    }
    return new double[] {
      entry.box[0], entry.box[1], entry.box[0] + entry.box[2], entry.box[1] + entry.box[3]
    };
  }

  /** Reads at the present place. */
  @FunctionalInterface
  private interface Read {
    void run() throws IOException;
  }

  /** Reads a document. */
  @FunctionalInterface
  private interface ReadAll {
    void read(JsonReader json) throws IOException;
  }

  private static void parse(Path file, ReadAll content) {
    TextFile.read(
        file,
        text -> {
          final JsonReader json = new JsonReader(text);
          try {
            content.read(json);
          } catch (IllegalStateException | NumberFormatException e) {
            throw new IllegalArgumentException(
                file + ": at " + json.getPath() + ": " + e.getMessage(), e);
          } catch (MalformedJsonException | EOFException e) {
            throw new IllegalArgumentException(
                file + ": at " + json.getPath() + ": not whole JSON: " + e.getMessage(), e);
          }
          return file;
        });
  }

  private static void each(JsonReader json, Read element) throws IOException {
    json.beginArray();
    while (json.hasNext()) {
      element.run();
    }
    json.endArray();
  }

  private static void object(JsonReader json, Field field) throws IOException {
    json.beginObject();
    while (json.hasNext()) {
      if (!field.read(json.nextName())) {
        json.skipValue();
      }
    }
    json.endObject();
  }

  /** Reads a field's value, or says that it does not want it. */
  @FunctionalInterface
  private interface Field {
    boolean read(String name) throws IOException;
  }

  private static List<String> named(JsonReader json, String... wanted) throws IOException {
    final String path = json.getPath();
    final Map<String, String> values = new HashMap<>();
    object(
        json,
        name -> {
          if (!List.of(wanted).contains(name)) {
            return false;
          }
          values.put(name, json.nextString());
          return true;
        });
    final List<String> found = new ArrayList<>();
    for (final String name : wanted) {
      if (!values.containsKey(name)) {
        throw new IllegalStateException(path + " has no '" + name + "'");
      }
      found.add(values.get(name));
    }
    return found;
  }

  private static Entry entry(JsonReader json) throws IOException {
    final Entry entry = new Entry();
    object(
        json,
        name -> {
          switch (name) {
            case "image_id" -> entry.image = json.nextString();
            case "category_id" -> entry.category = json.nextString();
            case "bbox" -> {
              final List<Double> numbers = new ArrayList<>();
              each(json, () -> numbers.add(json.nextDouble()));
              entry.box = numbers.stream().mapToDouble(Double::doubleValue).toArray();
            }
            case "score" -> {
              entry.score = json.nextDouble();
              entry.scored = true;
            }
            case "area" -> entry.area = Optional.of(json.nextDouble());
            case "iscrowd" ->
                entry.crowd =
                    json.peek() == JsonToken.BOOLEAN ? json.nextBoolean() : json.nextInt() != 0;
            default -> {
              return false;
            }
          }
          return true;
        });
    return entry;
  }
}
