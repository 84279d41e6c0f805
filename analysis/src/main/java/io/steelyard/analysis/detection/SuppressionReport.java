package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.BoxConvention;
import io.steelyard.kernels.detection.CocoAp;
import io.steelyard.kernels.detection.Decay;
import io.steelyard.kernels.detection.ScoredBoxes;
import io.steelyard.kernels.detection.SuppressionOptions;
import io.steelyard.kernels.detection.VocAp;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Average precision of one detector before suppression and after it in several forms: the table of
 * arXiv 1704.04503 for a detector of one's own.
 *
 * <pre>{@code
 * SuppressionReport report = SuppressionReport.of(images, raw, SuppressionReport.USUAL);
 * double gain = report.rows().getLast().coco().ap() - report.rows().get(1).coco().ap();
 * System.out.println(report.table());
 * }</pre>
 *
 * @param rows without suppression first, then as asked for
 */
public record SuppressionReport(List<Row> rows) {

  /** The paper's three: hard and linear at 0.3, gaussian with 0.5. */
  public static final List<Decay> USUAL =
      List.of(Decay.hard(0.3), Decay.linear(0.3), Decay.gaussian(0.5));

  private static final int MAX_DETECTIONS = 100;

  /** Copies the list. */
  public SuppressionReport {
    rows = List.copyOf(rows);
  }

  /**
   * One way to suppress.
   *
   * @param decay empty for none
   * @param coco with 100 detections for each class and image; crowds ignored
   * @param voc at overlap 0.5, area under the curve, corners as points; difficult objects ignored
   * @param keptPerImage boxes that are left for an image, on average
   */
  public record Row(
      Optional<Decay> decay, CocoAp.Figures coco, VocAp.Figures voc, double keptPerImage) {

    /** For example {@code gaussian 0.5}. */
    public String name() {
      return decay.map(SuppressionReport::name).orElse("none");
    }
  }

  /** A form of suppression in words, for example {@code gaussian 0.5}. */
  public static String name(Decay decay) {
    return switch (decay) {
      case Decay.Hard(double threshold) -> "hard " + threshold;
      case Decay.Linear(double threshold) -> "linear " + threshold;
      case Decay.Gaussian(double sigma) -> "gaussian " + sigma;
    };
  }

  /**
   * Evaluates.
   *
   * @param raw boxes before suppression, with classes and images, f64
   * @param decays in the order of the rows
   * @throws IllegalArgumentException if {@code raw} is not f64
   */
  public static SuppressionReport of(AnnotatedImages images, ScoredBoxes raw, List<Decay> decays) {
    final List<Row> rows = new ArrayList<>();
    rows.add(row(Optional.empty(), images, raw));
    for (final Decay decay : decays) {
      rows.add(
          row(
              Optional.of(decay),
              images,
              Suppressed.boxes(raw, decay, SuppressionOptions.defaults())));
    }
    return new SuppressionReport(rows);
  }

  private static Row row(Optional<Decay> decay, AnnotatedImages images, ScoredBoxes boxes) {
    final VocAp.Options points =
        new VocAp.Options(0.5, VocAp.Interpolation.AREA, BoxConvention.CONTINUOUS);
    return new Row(
        decay,
        CocoAp.evaluate(boxes, images.cocoObjects(), MAX_DETECTIONS),
        VocAp.evaluate(boxes, images.objects(), points),
        (double) boxes.count() / images.images().size());
  }

  /** As text, in percent. */
  public String table() {
    final StringBuilder table = new StringBuilder();
    table.append(
        String.format(
            Locale.ROOT,
            "%-14s %6s %6s %6s %6s %6s %8s%n",
            "suppression",
            "AP",
            "AP50",
            "AP75",
            "AR",
            "VOC",
            "boxes"));
    for (final Row row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              "%-14s %6.2f %6.2f %6.2f %6.2f %6.2f %8.1f%n",
              row.name(),
              100 * row.coco().ap(),
              100 * row.coco().ap50(),
              100 * row.coco().ap75(),
              100 * row.coco().ar(),
              100 * row.voc().ap(),
              row.keptPerImage()));
    }
    return table.toString();
  }
}
