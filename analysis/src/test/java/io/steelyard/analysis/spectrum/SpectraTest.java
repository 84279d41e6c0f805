package io.steelyard.analysis.spectrum;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SpectraTest {

  @Test
  void valuesOfAMatrixThatIsKnown() {
    final double[][] a = {{3, 0}, {4, 5}};
    assertThat(Spectra.singularValues(a))
        .containsExactly(new double[] {Math.sqrt(45), Math.sqrt(5)}, within(1e-12));
    assertThat(Spectra.norm(a)).isCloseTo(Math.sqrt(45), within(1e-12));
    assertThat(Spectra.eigenvalues(new double[][] {{2, 1}, {1, 2}}))
        .containsExactly(new double[] {3, 1}, within(1e-12));
  }

  @Test
  void thePseudoInverseUndoesWhatItCan() {
    final SplittableRandom random = new SplittableRandom(3);
    final double[][] a = new double[6][4];
    for (final double[] row : a) {
      for (int c = 0; c < 4; c++) {
        row[c] = random.nextGaussian();
      }
    }
    final double[][] inverse = Spectra.pseudoInverse(a, 1e-12);
    assertThat(inverse.length).isEqualTo(4);
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 4; j++) {
        double sum = 0;
        for (int k = 0; k < 6; k++) {
          sum += inverse[i][k] * a[k][j];
        }
        assertThat(sum).isCloseTo(i == j ? 1 : 0, within(1e-10));
      }
    }
  }

  @Test
  void smallSingularValuesAreCutOff() {
    final double[][] cut = Spectra.pseudoInverse(new double[][] {{2, 0}, {0, 1e-9}}, 1e-6);
    assertThat(cut[0]).containsExactly(new double[] {0.5, 0}, within(1e-15));
    assertThat(cut[1]).containsExactly(new double[] {0, 0}, within(1e-15));
    assertThat(Spectra.pseudoInverse(new double[][] {{0, 0}, {0, 0}}, 0)[0]).containsOnly(0);
  }

  @Test
  void whatIsNotAMatrixIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Spectra.norm(new double[0][]))
        .withMessage("matrix is empty; expected at least one row and column");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Spectra.norm(new double[][] {{Double.NaN}}))
        .withMessage("matrix has an entry NaN; expected finite numbers");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Spectra.eigenvalues(new double[][] {{1, 2}, {0, 1}}))
        .withMessage("matrix is not symmetric; expected A = A^T");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Spectra.eigenvalues(new double[][] {{1, 2}}))
        .withMessage("matrix is 1 x 2; expected a square one");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Spectra.pseudoInverse(new double[][] {{1}}, 1))
        .withMessage("cutoff is 1.0; expected a number in [0, 1)");
  }
}
