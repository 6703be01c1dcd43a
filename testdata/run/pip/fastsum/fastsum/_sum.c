#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject* total(PyObject* module, PyObject* numbers) {
    (void)module;
    PyObject* iterator = PyObject_GetIter(numbers);
    if (iterator == NULL) return NULL;
    long long sum = 0;
    PyObject* item;
    while ((item = PyIter_Next(iterator)) != NULL) {
        sum += PyLong_AsLongLong(item);
        Py_DECREF(item);
        if (PyErr_Occurred()) break;
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? NULL : PyLong_FromLongLong(sum);
}

static PyMethodDef methods[] = {{"total", total, METH_O, "The sum of integers."}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_sum", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__sum(void) { return PyModule_Create(&definition); }
