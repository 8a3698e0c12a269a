package cvx_test

// coneSolver says whether package conic solves.
const coneSolver = false
