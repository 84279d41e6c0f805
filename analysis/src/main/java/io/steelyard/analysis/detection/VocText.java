package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.ScoredBoxes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * PASCAL VOC's files: a folder of annotations, one XML file an image, and a folder of results, one
 * text file a class, {@code ..._<class>.txt} with lines {@code image score xmin ymin xmax ymax}.
 *
 * <p>An image is named like its annotation file; images and classes are in alphabetical order.
 * Difficult objects are ignored ones. Corners are pixels inside the box, as {@link
 * io.steelyard.kernels.detection.VocAp} takes them. A folder of results may lack classes.
 *
 * <pre>{@code
 * VocText voc = VocText.read(Path.of("VOC2007/Annotations"));
 * ScoredBoxes found = voc.detections(Path.of("results/VOC2007/Main"));
 * double map = VocAp.evaluate(found, voc.annotated().objects(), VocAp.Options.defaults()).ap();
 * }</pre>
 */
public final class VocText implements DetectionSet {

  private static final List<String> CORNERS = List.of("xmin", "ymin", "xmax", "ymax");
  private static final int FIELDS = 6;

  private final Names images;
  private final Names classes;
  private final AnnotatedImages annotated;

  private VocText(Names images, Names classes, AnnotatedImages annotated) {
    this.images = images;
    this.classes = classes;
    this.annotated = annotated;
  }

  /** An object of a file, its fields by the names of their elements. */
  private record Annotated(String place, String image, Map<String, String> fields) {

    String field(String name) {
      final String value = fields.get(name);
      if (value == null) {
        throw new IllegalArgumentException(place + " has no <" + name + ">; expected one");
      }
      return value;
    }

    double[] corners() {
      return CORNERS.stream().mapToDouble(name -> Names.number(place, name, field(name))).toArray();
    }
  }

  /**
   * Reads a folder of annotations.
   *
   * @param annotations with at least one {@code .xml} file
   * @throws IllegalArgumentException if there is none or one is damaged
   * @throws UncheckedIOException if something cannot be read
   */
  public static VocText read(Path annotations) {
    final List<Path> files = files(annotations, ".xml");
    final List<Annotated> all = files.stream().flatMap(file -> objects(file).stream()).toList();
    final Names images = new Names("image", files.stream().map(f -> stem(f, ".xml")).toList());
    final Names classes =
        new Names("class", all.stream().map(object -> object.field("name")).sorted().toList());
    final BoxTable objects = new BoxTable();
    for (final Annotated object : all) {
      objects.add(
          images.id(object.place(), object.image()),
          classes.id(object.place(), object.field("name")),
          0,
          object.fields().getOrDefault("difficult", "0").equals("1"),
          object.corners());
    }
    return new VocText(
        images,
        classes,
        new AnnotatedImages(
            images.list(), classes.list(), objects.objects(), AnnotatedImages.Ignored.DIFFICULT));
  }

  @Override
  public AnnotatedImages annotated() {
    return annotated;
  }

  /**
   * Reads a folder of results.
   *
   * @param folder with at least one {@code .txt} file; class by class in alphabetical order
   */
  @Override
  public ScoredBoxes detections(Path folder) {
    final BoxTable found = new BoxTable();
    for (final Path file : files(folder, ".txt")) {
      final String stem = stem(file, ".txt");
      final int ofClass = classes.id(file.toString(), stem.substring(stem.lastIndexOf('_') + 1));
      TextFile.read(
          file,
          text -> {
            int number = 0;
            for (String line = text.readLine(); line != null; line = text.readLine()) {
              number++;
              if (!line.isBlank()) {
                add(found, ofClass, file + ": line " + number, line.strip());
              }
            }
            return file;
          });
    }
    return found.detections();
  }

  private void add(BoxTable found, int ofClass, String place, String line) {
    final String[] fields = line.split("\\s+", -1);
    if (fields.length != FIELDS) {
      throw new IllegalArgumentException(
          place
              + " has "
              + fields.length
              + " fields; expected six, image score xmin ymin xmax ymax");
    }
    final double[] box = new double[4];
    for (int c = 0; c < 4; c++) {
      box[c] = Names.number(place, CORNERS.get(c), fields[2 + c]);
    }
    found.add(
        images.id(place, fields[0]), ofClass, Names.number(place, "score", fields[1]), false, box);
  }

  private static List<Path> files(Path folder, String ending) {
    try (Stream<Path> entries = Files.list(folder)) {
      final List<Path> files =
          entries.filter(file -> file.toString().endsWith(ending)).sorted().toList();
      if (files.isEmpty()) {
        throw new IllegalArgumentException(folder + " has no " + ending + " file; expected some");
      }
      return files;
    } catch (NoSuchFileException | NotDirectoryException e) {
      throw new UncheckedIOException("folder " + folder + " does not exist", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder + ": " + e.getMessage(), e);
    }
  }

  private static String stem(Path file, String ending) {
    final String name = file.getFileName().toString();
    return name.substring(0, name.length() - ending.length());
  }

  private static List<Annotated> objects(Path file) {
    return TextFile.read(
        file,
        text -> {
          final XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
          // Annotations come from anywhere: no document type, no files it could name.
          factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
          factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
          try {
            final XMLStreamReader xml = factory.createXMLStreamReader(text);
            try {
              return objects(file, xml);
            } finally {
              xml.close();
            }
          } catch (XMLStreamException e) {
            throw new IllegalArgumentException(
                file + ": not whole XML: " + e.getMessage().replace('\n', ' '), e);
          }
        });
  }

  /** Objects have parts with names and boxes of their own, which do not count. */
  private static List<Annotated> objects(Path file, XMLStreamReader xml) throws XMLStreamException {
    final List<Annotated> objects = new ArrayList<>();
    final List<String> path = new ArrayList<>();
    while (xml.hasNext()) {
      switch (xml.next()) {
        case XMLStreamConstants.START_ELEMENT -> {
          path.add(xml.getLocalName());
          if (path.equals(List.of("annotation", "object"))) {
            objects.add(
                new Annotated(
                    file + ": object " + objects.size(), stem(file, ".xml"), new HashMap<>()));
          }
        }
        case XMLStreamConstants.CHARACTERS -> {
          if (isField(path)) {
            objects.getLast().fields().merge(path.getLast(), xml.getText().strip(), String::concat);
          }
        }
        case XMLStreamConstants.END_ELEMENT -> path.removeLast();
        default -> {
          // Comments and processing instructions say nothing of objects.
        }
      }
    }
    return objects;
  }

  private static boolean isField(List<String> path) {
    return path.size() > 2
        && path.subList(0, 2).equals(List.of("annotation", "object"))
        && path.size() == (path.get(2).equals("bndbox") ? 4 : 3);
  }
}
