package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.ScoredBoxes;
import java.nio.file.Path;

/**
 * Annotated images in files, and the files of detectors that belong to them.
 *
 * <pre>{@code
 * DetectionSet set = CocoJson.read(Path.of("instances_val2017.json"));
 * ScoredBoxes raw = set.detections(Path.of("my_detector_bbox_results.json"));
 * System.out.println(SuppressionReport.of(set.annotated(), raw, SuppressionReport.USUAL).table());
 * }</pre>
 */
public sealed interface DetectionSet permits CocoJson, VocText, DetectionCsv {

  /** The images and the objects in them. */
  AnnotatedImages annotated();

  /**
   * Reads a detector's boxes, best without non-maximum suppression and without a cut at a score.
   *
   * @return f64, in the order of the file, with a class and an image for each, whose ids are those
   *     of {@link #annotated}; corners as the set's format means them
   * @throws IllegalArgumentException if the file is damaged or names an image or class that the set
   *     does not have; the message holds the file, the place, what is there and what was expected
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  ScoredBoxes detections(Path file);
}
