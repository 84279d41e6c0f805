package io.steelyard.analysis.multilabel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MultilabelTest {

  @Test
  void metricsByHand() {
    final LabelRanking ranking =
        new LabelRanking(new int[][] {{4, 7, 1}, {0, 2, 3}}, new int[][] {{7, 2}, {0}});
    assertThat(ranking.precision(1)).isEqualTo(.5);
    assertThat(ranking.precision(3)).isCloseTo(1 / 3.0, within(1e-15));
    assertThat(ranking.precision(5)).isCloseTo(.2, within(1e-15));
    assertThat(ranking.recall(3)).isEqualTo(.75);
    assertThat(ranking.recall(1)).isEqualTo(.5);
    assertThat(ranking.cappedRecall(1)).isEqualTo(.5);
    assertThat(ranking.cappedRecalls(3)).containsExactly(.5, 1);
    final double second = Math.log(2) / Math.log(3);
    assertThat(ranking.ndcg(3)).isCloseTo((second / (1 + second) + 1) / 2, within(1e-15));
    assertThat(ranking.ndcg(1)).isEqualTo(.5);
  }

  @Test
  void rareLabelsCountMore() {
    final double[] propensities = LabelRanking.propensities(new int[] {100, 1, 0}, 1000, .55, 1.5);
    final double c = (Math.log(1000) - 1) * Math.pow(2.5, .55);
    assertThat(propensities[1]).isCloseTo(1 / (1 + c * Math.pow(2.5, -.55)), within(1e-12));
    assertThat(propensities[0]).isGreaterThan(propensities[1]).isLessThan(1);
    final int[][] labels = {{0, 1}, {0, 1}};
    final double common =
        new LabelRanking(new int[][] {{0}, {0}}, labels).propensityScoredPrecision(1, propensities);
    final double rare =
        new LabelRanking(new int[][] {{1}, {1}}, labels).propensityScoredPrecision(1, propensities);
    assertThat(rare).isEqualTo(1);
    assertThat(common).isCloseTo(propensities[1] / propensities[0], within(1e-12));
    assertThat(
            new LabelRanking(new int[][] {{1, 0}, {2, 0}}, labels)
                .propensityScoredPrecision(2, propensities))
        .isCloseTo(
            (1 / propensities[1] + 2 / propensities[0])
                / (2 / propensities[1] + 2 / propensities[0]),
            within(1e-12));
  }

  @Test
  void textIsRead(@TempDir Path folder) throws IOException {
    final String text = "3 4 5\n1,4 0:1 3:0.5\n 2:2\n0 \n";
    final Path plain = Files.writeString(folder.resolve("a.txt"), text);
    final Path zipped = folder.resolve("a.txt.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(zipped))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    for (final Path file : List.of(plain, zipped)) {
      final MultilabelData data = XmcFiles.readText(file);
      assertThat(data.features().rows()).isEqualTo(3);
      assertThat(data.features().width()).isEqualTo(4);
      assertThat(data.features().columns(0)).containsExactly(0, 3);
      assertThat(data.features().values(0)).containsExactly(1, .5f);
      assertThat(data.features().columns(2)).isEmpty();
      assertThat(data.labels().width()).isEqualTo(5);
      assertThat(data.labels().columns(0)).containsExactly(1, 4);
      assertThat(data.labels().columns(1)).isEmpty();
      assertThat(data.labelled()).containsExactly(0, 2);
      assertThat(data.labels().columnCounts()).containsExactly(1, 1, 0, 0, 1);
    }
    final float[] dense = new float[8];
    XmcFiles.readText(plain).features().fill(new int[] {1, 0}, dense);
    assertThat(dense).containsExactly(0, 0, 2, 0, 1, 0, 0, .5f);
    assertThat(XmcFiles.readLines(zipped)).hasSize(4).startsWith("3 4 5");
    final List<String> lines = new ArrayList<>();
    XmcFiles.eachLine(zipped, lines::add);
    assertThat(lines).isEqualTo(XmcFiles.readLines(plain));
    final Path missing = folder.resolve("none.txt");
    assertThatThrownBy(() -> XmcFiles.eachLine(missing, lines::add))
        .hasMessageContaining("cannot read " + missing);
  }

  @Test
  void badTextIsNamed(@TempDir Path folder) throws IOException {
    final Path file = folder.resolve("b.txt");
    Files.writeString(file, "3 4\n");
    assertThatThrownBy(() -> XmcFiles.readText(file)).hasMessageContaining("begins with '3 4'");
    Files.writeString(file, "1 4 5\n1 x\n");
    assertThatThrownBy(() -> XmcFiles.readText(file)).hasMessageContaining("b.txt, line 2");
    Files.writeString(file, "2 4 5\n1 0:1\n");
    assertThatThrownBy(() -> XmcFiles.readText(file)).hasMessageContaining("has 1 instances");
    Files.writeString(file, "1 4 5\n7 0:1\n");
    assertThatThrownBy(() -> XmcFiles.readText(file)).hasMessageContaining("columns[0] is 7");
  }

  @Test
  void sparseMatricesOfScipyAreRead(@TempDir Path folder) throws IOException {
    final Path file = folder.resolve("Y.npz");
    write(file, "|S3", "csr");
    final SparseRows rows = XmcFiles.readCsr(file);
    assertThat(rows.rows()).isEqualTo(3);
    assertThat(rows.width()).isEqualTo(6);
    assertThat(rows.columns(0)).containsExactly(1, 5);
    assertThat(rows.values(0)).containsExactly(1, 2);
    assertThat(rows.columns(1)).isEmpty();
    assertThat(rows.columns(2)).containsExactly(0);
    write(file, "|S3", "csr", 4);
    assertThatThrownBy(() -> XmcFiles.readCsr(file))
        .hasMessage("Y.npz has the starts of 3 rows; expected 4, as its shape says");
    write(file, "|S3", "csc");
    assertThatThrownBy(() -> XmcFiles.readCsr(file)).hasMessageContaining("expected csr");
    Files.write(file, new byte[0]);
    assertThatThrownBy(() -> XmcFiles.readCsr(file)).hasMessageContaining("no array 'indptr'");
  }

  private static void write(Path file, String type, String format) throws IOException {
    write(file, type, format, 3);
  }

  private static void write(Path file, String type, String format, long rows) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      final ByteBuffer indices = buffer(12).putInt(1).putInt(5).putInt(0);
      final ByteBuffer indptr = buffer(16).putInt(0).putInt(2).putInt(2).putInt(3);
      final ByteBuffer shape = buffer(16).putLong(rows).putLong(6);
      final ByteBuffer data = buffer(24).putDouble(1).putDouble(2).putDouble(1);
      entry(zip, "indices", "<i4", "(3,)", indices);
      entry(zip, "indptr", "<i4", "(4,)", indptr);
      entry(zip, "format", type, "()", ByteBuffer.wrap(format.getBytes(StandardCharsets.UTF_8)));
      entry(zip, "shape", "<i8", "(2,)", shape);
      entry(zip, "data", "<f8", "(3,)", data);
    }
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void entry(
      ZipOutputStream zip, String name, String type, String shape, ByteBuffer data)
      throws IOException {
    final String header =
        "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
    zip.putNextEntry(new ZipEntry(name + ".npy"));
    zip.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    zip.write(header.length());
    zip.write(0);
    zip.write(header.getBytes(StandardCharsets.ISO_8859_1));
    final byte[] bytes = new byte[data.capacity()];
    data.rewind().get(bytes);
    zip.write(bytes);
    zip.closeEntry();
  }

  @Test
  void theRealSetsAreWhatTheyAreSaidToBe() {
    final String root = System.getenv("STEELYARD_DATA");
    assumeTrue(root != null && !root.isBlank(), "STEELYARD_DATA is not set");
    final Path file = Path.of(root, "xml-delicious", "delicious_train.txt.gz");
    assumeTrue(Files.exists(file), "no xml-delicious");
    final MultilabelData data = XmcFiles.readText(file);
    assertThat(data.features().rows()).isEqualTo(12_920);
    assertThat(data.labelled()).hasSize(12_910);
    assertThat(data.labels().width()).isEqualTo(983);
  }

  @Test
  void whatCannotBeIsNamed() {
    assertThatThrownBy(() -> new LabelRanking(new int[1][], new int[2][]))
        .hasMessageContaining("ranked has 1 rows");
    assertThatThrownBy(() -> new LabelRanking(new int[][] {{1}}, new int[][] {{}}))
        .hasMessageContaining("labels[0] is empty");
    assertThatThrownBy(() -> new LabelRanking(new int[][] {{1}}, new int[][] {{1}}).ndcg(0))
        .hasMessageContaining("k is 0");
    assertThatThrownBy(() -> LabelRanking.propensities(new int[1], 2, .55, 1.5))
        .hasMessageContaining("instances is 2");
    assertThatThrownBy(() -> new SparseRows(new long[] {0, 2}, new int[1], new float[1], 3))
        .hasMessageContaining("end at 2");
    assertThatThrownBy(() -> new SparseRows(new long[] {0, 1}, new int[1], new float[2], 3))
        .hasMessageContaining("values has 2");
    final SparseRows rows = SparseRows.ofColumns(List.of(new int[] {2}), 3);
    assertThatThrownBy(() -> rows.columns(1)).hasMessageContaining("row is");
    assertThatThrownBy(() -> rows.fill(new int[1], new float[2]))
        .hasMessageContaining("into has 2");
    assertThatThrownBy(() -> new MultilabelData(rows, SparseRows.ofColumns(List.of(), 3)))
        .hasMessageContaining("labels has 0 rows");
  }
}
