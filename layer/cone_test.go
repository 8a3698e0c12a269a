package layer_test

// coneSolver says whether package conic solves.
const coneSolver = false
