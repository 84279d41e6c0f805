package io.steelyard.papers.task;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Random graphs of nodes that have one to four neighbours and lie on a sphere: who follows whom is
 * a bilinear form of their places, so that a bilinear map could know it but for how many there are.
 *
 * @param embeddings {@code [G, 12, d]}, rows of length 1
 * @param transitions {@code [G, 12, 12]}, from a node to its next ones
 */
public record NodeGraphs(List<double[][]> embeddings, List<double[][]> transitions) {

  /** Nodes of a graph. */
  public static final int NODES = 12;

  /** Most neighbours of a node. */
  public static final int DEGREES = 4;

  /** Copies the lists. */
  public NodeGraphs {
    embeddings = List.copyOf(embeddings);
    transitions = List.copyOf(transitions);
  }

  /** Draws graphs, each its embeddings first. */
  public static NodeGraphs draw(RandomGenerator random, int graphs, int dimension) {
    final double[][][] embeddings = new double[graphs][][];
    final double[][][] transitions = new double[graphs][][];
    for (int g = 0; g < graphs; g++) {
      embeddings[g] = unitRows(random, dimension);
      transitions[g] = transitions(random, embeddings[g]);
    }
    return new NodeGraphs(List.of(embeddings), List.of(transitions));
  }

  /** How many neighbours a node has. */
  public static int degree(int node) {
    return 1 + node % DEGREES;
  }

  private static double[][] unitRows(RandomGenerator random, int dimension) {
    final double[][] rows = new double[NODES][dimension];
    for (final double[] row : rows) {
      double squares = 0;
      for (int c = 0; c < dimension; c++) {
        row[c] = random.nextGaussian();
        squares += row[c] * row[c];
      }
      for (int c = 0; c < dimension; c++) {
        row[c] /= Math.sqrt(squares);
      }
    }
    return rows;
  }

  /** Uniform over the nodes that a random bilinear form likes best, as many as a node has. */
  private static double[][] transitions(RandomGenerator random, double[][] e) {
    final int dimension = e[0].length;
    final double[][] r = new double[dimension][dimension];
    for (final double[] row : r) {
      for (int c = 0; c < dimension; c++) {
        row[c] = random.nextGaussian() / Math.sqrt(dimension);
      }
    }
    final double[][] p = new double[NODES][NODES];
    for (int i = 0; i < NODES; i++) {
      final double[] scores = new double[NODES];
      for (int j = 0; j < NODES; j++) {
        for (int a = 0; a < dimension; a++) {
          for (int b = 0; b < dimension; b++) {
            scores[j] += e[i][a] * r[a][b] * e[j][b];
          }
        }
      }
      final int degree = degree(i);
      final double least = Arrays.stream(scores).sorted().toArray()[NODES - degree];
      for (int j = 0; j < NODES; j++) {
        p[i][j] = scores[j] >= least ? 1.0 / degree : 0;
      }
    }
    return p;
  }
}
