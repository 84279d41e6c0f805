/** How far matrices of weights are from doubly stochastic ones, and how many they tell apart. */
package io.steelyard.analysis.doublystochastic;
