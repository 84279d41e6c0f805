package io.steelyard.feed.page;

import io.steelyard.kernels.operator.Operator;
import java.util.List;
import java.util.Map;

/**
 * The operators by family.
 *
 * @param shell around it
 * @param families operators by their family
 */
public record OperatorsPage(Shell shell, Map<String, List<Operator>> families) {}
